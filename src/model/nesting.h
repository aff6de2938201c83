#ifndef OR_MODEL_NESTING_H
#define OR_MODEL_NESTING_H
/* How the arrays of a tensor's data are nested in JSON. */

#include "base/json.h"
#include "openruntime/types.h"

/* That `data`, an array (also one that was kept as text), is flat or nested as the shape says; of complex elements each
 * may be an array of two. Takes no memory. INVALID_ARGUMENT: it is nested in another way, or deeper than OR_MAX_RANK
 * + 1. */
or_status_t or_nesting_check(const or_json_value_t *data, const or_shape_t *shape, bool complex);

#endif
