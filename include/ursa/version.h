/* ursa/version.h -- what Ursa calls itself, and the release of Kuma whose clients it answers. */
#ifndef URSA_VERSION_H
#define URSA_VERSION_H

#define URSA_VERSION "0.1.0"
#define KUMA_COMPAT_VERSION "2.4.10" /* kumactl warns unless GET / answers its own version */

#endif
