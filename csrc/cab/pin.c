#include "cab/pin.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

/* What a system does not know is left out: the handle below, never closed, keeps the code, too. */
#ifndef RTLD_NOLOAD
#define RTLD_NOLOAD 0
#endif
#ifndef RTLD_NODELETE
#define RTLD_NODELETE 0
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The file that holds us, be it a module, a plugin that links us in, or the program itself, is
 * loaded already: this only finds it. */
static void pin(void) {
    Dl_info file;
    if (dladdr(&once, &file) != 0 && file.dli_fname != NULL) {
        (void)dlopen(file.dli_fname, RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD | RTLD_NODELETE);
    }
}

void cab_pin(void) { (void)pthread_once(&once, pin); }
