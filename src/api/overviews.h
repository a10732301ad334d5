/* overviews.h -- one resource with what is known of its connections. */
#ifndef URSA_API_OVERVIEWS_H
#define URSA_API_OVERVIEWS_H

#include "request.h"

/* Answers the overview of the resource that the path names, or 404 under 'title'. */
void overview_answer(struct request *, enum res_type, const char *title);

#endif
