#ifndef OR_MODEL_LIMITS_H
#define OR_MODEL_LIMITS_H
/* The bounds on models by name, as users set them. */

#include "openruntime/model.h"

/* Sets one by "NAME=VALUE", NAME as in or_model_limits_t, VALUE a number above 0. INVALID_ARGUMENT names what is wrong
 * and the names that there are. */
or_status_t or_model_limits_set(or_model_limits_t *limits, const char *assignment);

#endif
