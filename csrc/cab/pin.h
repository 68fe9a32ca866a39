/* Keeps this code in memory until the process ends. A host that is done with Lua unloads its
 * modules, while a thread of libcurl's resolver may still be about to return into ours. */
#ifndef CAB_PIN_H
#define CAB_PIN_H

#pragma GCC visibility push(hidden)

/* Once is enough, again does no harm. Where the system refuses, all goes on as without. */
void cab_pin(void);

#pragma GCC visibility pop

#endif
