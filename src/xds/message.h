/* xds/message.h -- a discovery response of either variant as parts of bytes. */
#ifndef URSA_XDS_MESSAGE_H
#define URSA_XDS_MESSAGE_H

#include "subscription.h"

/* The encoded resources are referenced, only tags, lengths and the tail (version, type, nonce, who we are)
 * are written. */
void message_from_response(const struct xds_response *, struct str control_plane, struct xds_message *out);

#endif
