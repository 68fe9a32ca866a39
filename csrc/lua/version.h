#ifndef CAB_VERSION_H
#define CAB_VERSION_H

#define CAB_VERSION "0.1.0"

#endif
