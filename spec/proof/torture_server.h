/* A build service of one thread for the torture host: it never allocates, so that no failing
 * allocation is its own, and it counts. */
#ifndef TORTURE_SERVER_H
#define TORTURE_SERVER_H

/* Starts the thread. Answers the port on 127.0.0.1. */
int torture_server_start(void);

/* What the next POSTs of RunJob get, one letter each, the last one again and again:
 *   o a build · l the same, and the connection ends · c a build, and the connection ends unanswered
 *   e 400 · 4 401 · 5 500 · 3 503 · h HTML · t half an answer
 * Every other path: /token answers a token, /stream a body in pieces. */
void torture_server_serve(const char *answers);

/* Builds that were started. */
int torture_server_builds(void);

#endif
