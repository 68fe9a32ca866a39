/* Pieces of secrets in texts: what is hidden of each. */
#include "cab/pieces.h"

#include "unit.h"

static const char LONG[] = "MIIFxwYJKoZIhvcNAQcCoIIFuDCCBbQ/AQExDTALBglghkgB";
static const char SHORT[] = "corr/ect h\"rse+1";

/* What is hidden is written as #. */
static const struct {
    const char *secret, *text, *hidden;
} rows[] = {
    {LONG, "", ""},
    {LONG, "nothing of interest", "nothing of interest"},
    {LONG, "in MIIFxwYJKoZI it", "in ############ it"},
    {LONG, "in KoZIhvcNAQcC it", "in ############ it"},
    {LONG, "in KoZIhvcNAQc it", "in KoZIhvcNAQc it"},
    {LONG, "in KOZIHVCNAQCC it", "in ############ it"},
    {LONG, "<KoZ IhvcN\\nAQc-C>", "<################>"},
    {LONG, "CBbQ AQExDTALBglg.", "#################."},
    {LONG, "%42%62%51%2f\\u0041QExDTALBg", "###########################"},
    {LONG, "%2542b&amp;#81;AQExDTALBg", "#########################"},
    {LONG, "CBbQ%5cu002FAQ%5C%75%30%30%34%35xDTALBg", "#######################################"},
    {LONG, "CBbQ&#92;/AQ%26%2369%3bxDTALBg", "##############################"},
    {LONG, "f9d6c8466d614a9788e9a0acf6c15f46", "f9d6c8466d614a9788e9a0acf6c15f46"},
    {SHORT, "of correct horse", "of #########orse"},
    {SHORT, "of correct words", "of correct words"},
    {SHORT, "of CORR_ECTH R", "of ###########"},
    {SHORT, "recthrse1", "#########"},
    {SHORT, "it is ecthrse1!", "it is ########!"},
    {"100%41bcdefgh", "100%41bcdefgh", "#############"},
    {"seven-7", "seven-7", "seven-7"}, /* too short for pieces: found as a whole, elsewhere */
    {"\303\244\303\266\303\274", "\303\244\303\266\303\274", "\303\244\303\266\303\274"},
    {"P\303\244sswort-2024", "it is P?sswort-2024", "it is #############"},
    {"P\303\244sswort-2024", "it is P%E4sswort-2024", "it is ###############"},
};

/* Whether so many letters from there on, alone in a text, are hidden. */
static bool is_hidden(const char *letters, size_t count) {
    cab_secrets secrets = {.text = {"another-secret-0123456789", LONG, SHORT}, .count = 3};
    unsigned char marks[8] = {0};
    CHECK(letters, cab_pieces_mark(&secrets, letters, count, marks));
    size_t hidden = 0;
    for (size_t at = 0; at < count; at++) {
        hidden += marks[at / 8] >> at % 8 & 1;
    }
    CHECK(letters, hidden == 0 || hidden == count);
    return hidden > 0;
}

/* Each piece, wherever in the secret it is; and no shorter one. */
static void check_all_pieces(const char *secret, size_t length) {
    char letters[64];
    size_t count = 0;
    for (; *secret != '\0'; secret++) {
        if (('0' <= *secret && *secret <= '9') ||
            ('A' <= (*secret & ~32) && (*secret & ~32) <= 'Z')) {
            letters[count++] = *secret;
        }
    }
    letters[count] = '\0';
    for (size_t at = 0; at + length <= count; at++) {
        CHECK(letters + at, is_hidden(letters + at, length));
        CHECK(letters + at, !is_hidden(letters + at, length - 1));
    }
}

int main(void) {
    check_all_pieces(LONG, 12);
    check_all_pieces(SHORT, 8);
    for (size_t i = 0; i < COUNT(rows); i++) {
        cab_secrets secrets = {.text = {"another-secret-0123456789", rows[i].secret}, .count = 2};
        unsigned char marks[16] = {0};
        char hidden[128];
        size_t len = strlen(rows[i].text);
        CHECK(rows[i].text, cab_pieces_mark(&secrets, rows[i].text, len, marks));
        for (size_t at = 0; at < len; at++) {
            hidden[at] = marks[at / 8] >> at % 8 & 1 ? '#' : rows[i].text[at];
        }
        hidden[len] = '\0';
        CHECK(hidden, strcmp(hidden, rows[i].hidden) == 0);
    }
    return failures > 0;
}
