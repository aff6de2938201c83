/* Operators on images: sampling, boxes, losses. */
#include "cts/op_case.h"

void cts_generate_non_max_suppression(cts_generator_t *g) {
  static const double limit = 4, overlap = 0.3, least = 0.25;
  for (int64_t centred = 0; centred < 2; ++centred) {
    cts_op_case_t it = cts_op_case(g, "");
    cts_input_range(&it, OR_FLOAT32, SHAPE(2, 37, 4), 0, 1)->constant = true;
    cts_input_range(&it, OR_FLOAT32, SHAPE(2, 3, 37), 0, 1)->constant = true;
    cts_input_values(&it, OR_INT64, &limit, 1);
    cts_input_scalar(&it, OR_FLOAT32, &overlap);
    if (centred == 0) cts_input_scalar(&it, OR_FLOAT32, &least);
    cts_attribute_int(&it, "center_point_box", centred);
    cts_emit(g, &it);
  }
}
