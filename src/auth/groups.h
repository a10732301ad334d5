/* groups.h -- the groups that Ursa itself gives to users (rest-api.md 8.1). */
#ifndef URSA_AUTH_GROUPS_H
#define URSA_AUTH_GROUPS_H

#include "ursa/auth.h"

#define GROUP_AUTHENTICATED STR_INIT("mesh-system:authenticated") /* whoever proved who they are */

bool user_is_in_group(const struct user *, struct str group);

#endif
