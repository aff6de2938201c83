#ifndef OR_OPS_ATTENTION_INTERNAL_H
#define OR_OPS_ATTENTION_INTERNAL_H
/* Attention's reference, apart from its row. */

#include "ops/attention.h"

or_status_t or_attention_reference(or_op_call_t *call);

#endif
