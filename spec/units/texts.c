/* Texts one behind the other. */
#include "cab/texts.h"

#include "unit.h"

int main(void) {
    static const char *const texts[] = {"one", "", "three: with a space", "x"};
    cab_buf b = {NULL, 0, 0};
    CHECK("none", cab_texts_next(&b, NULL) == NULL);
    for (size_t i = 0; i < COUNT(texts); i++) {
        CHECK(texts[i], cab_texts_add(&b, texts[i], strlen(texts[i])));
    }
    size_t count = 0;
    for (const char *text = NULL; (text = cab_texts_next(&b, text)) != NULL; count++) {
        CHECK(text, count < COUNT(texts) && strcmp(text, texts[count]) == 0);
    }
    CHECK("all of them", count == COUNT(texts));
    cab_buf_clear(&b);
    CHECK("none again", cab_texts_next(&b, NULL) == NULL);
    cab_buf_free(&b);
    return failures > 0;
}
