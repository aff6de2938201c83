/* Operators on text, sequences and optionals, as far as backends see tensors of numbers in them. */
#include "cts/op_case.h"

/* Before version 18 it takes optionals only. */
void cts_generate_optional(cts_generator_t *g) {
  if (g->version < 18) return;
  CTS_EACH_DTYPE(g, dtype) {
    cts_op_case_t it = cts_op_case(g, "");
    cts_input(&it, dtype, SHAPE(3, 5));
    cts_emit(g, &it);
  }
}

/* Of whole numbers; of single ones and pairs, with what lies between them left out. */
void cts_generate_tf_idf(cts_generator_t *g) {
  static const char *const modes[] = {"TF", "IDF", "TFIDF"};
  static const float weights[] = {1, 2, 0.5F, 0.25F};
  for (size_t m = 0; m < 3; ++m) {
    for (int form = 0; form < 4; ++form) {
      cts_op_case_t it = cts_op_case(g, modes[m]);
      cts_input_range(&it, form % 2 ? OR_INT32 : OR_INT64, form / 2 ? SHAPE(3, 40) : SHAPE(7), 0, 4);
      cts_attribute_string(&it, "mode", modes[m]);
      cts_attribute_int(&it, "min_gram_length", 1);
      cts_attribute_int(&it, "max_gram_length", 2);
      cts_attribute_int(&it, "max_skip_count", form);
      cts_attribute_ints(&it, "ngram_counts", INTS(0, 2));
      cts_attribute_ints(&it, "ngram_indexes", INTS(1, 0, 3, 2));
      cts_attribute_ints(&it, "pool_int64s", INTS(1, 3, 0, 1, 2, 2));
      cts_attribute_floats(&it, "weights", weights, 4);
      cts_emit(g, &it);
    }
  }
}
