#ifndef OR_TESTS_CTS_OP_CASE_H
#define OR_TESTS_CTS_OP_CASE_H
/* One operator case: a one-node graph with inputs by rule. Built on the stack by a generator and given to cts_emit,
 * which runs it at once, so that arrays it points to need to live no longer. */

#include "cts/cts.h"

#define CTS_MAX_INPUTS 16
#define CTS_MAX_ATTRIBUTES 10
#define CTS_MAX_OUTPUTS 8

typedef enum cts_fill_t {
  CTS_RANDOM, /* floats in [-1, 1), integers in [-8, 8) or [0, 16), bools fair */
  CTS_RANGE,  /* uniform in [low, high) */
  /* NaN, infinities, zeros of both signs, a denormal among ordinary numbers; integers: the ends of their range */
  CTS_SPECIAL,
  CTS_VALUES, /* `values`, over and over */
  CTS_ABSENT, /* an optional input that is left out */
} cts_fill_t;

typedef struct cts_input_t {
  or_dtype_t dtype;
  or_shape_t shape;
  cts_fill_t fill;
  double low, high;
  const double *values;
  size_t value_count;
  bool constant; /* part of the graph, not given at run time */
} cts_input_t;

typedef struct cts_op_case_t {
  const or_op_t *op;
  int version;
  const char *label; /* of the name; "" */
  cts_input_t inputs[CTS_MAX_INPUTS];
  uint32_t input_count;
  or_attribute_t attributes[CTS_MAX_ATTRIBUTES];
  uint32_t attribute_count;
  uint32_t output_count;
} cts_op_case_t;

/* What a generator is called with, once a version of its operator. */
typedef struct cts_generator_t cts_generator_t;
struct cts_generator_t {
  cts_t *cts;
  const or_op_t *op;
  int version;
  bool newest;    /* the last version: the full set of cases; the others get a few unless their meaning differs */
  unsigned cases; /* emitted so far, all versions */
};
typedef void (*cts_generate_t)(cts_generator_t *generator);
/* Generators by operator. NULL ends. In op_table.c. */
typedef struct cts_op_row_t {
  const char *domain, *name;
  cts_generate_t generate;
} cts_op_row_t;
extern const cts_op_row_t cts_op_rows[];

cts_op_case_t cts_op_case(const cts_generator_t *generator, const char *label); /* one output, nothing else */
/* Each adds an input and returns it, for changes. */
cts_input_t *cts_input(cts_op_case_t *it, or_dtype_t dtype, or_shape_t shape); /* CTS_RANDOM */
cts_input_t *cts_input_fill(cts_op_case_t *it, or_dtype_t dtype, or_shape_t shape, cts_fill_t fill);
cts_input_t *cts_input_range(cts_op_case_t *it, or_dtype_t dtype, or_shape_t shape, double low, double high);
cts_input_t *cts_input_values(cts_op_case_t *it, or_dtype_t dtype, const double *values,
                              size_t count);                                             /* 1-D, constant */
cts_input_t *cts_input_scalar(cts_op_case_t *it, or_dtype_t dtype, const double *value); /* rank 0, constant */
void cts_input_absent(cts_op_case_t *it);
void cts_attribute_int(cts_op_case_t *it, const char *name, int64_t value);
void cts_attribute_float(cts_op_case_t *it, const char *name, float value);
void cts_attribute_string(cts_op_case_t *it, const char *name, const char *value);
void cts_attribute_ints(cts_op_case_t *it, const char *name, const int64_t *values, size_t count);
void cts_attribute_floats(cts_op_case_t *it, const char *name, const float *values, size_t count);
void cts_attribute_strings(cts_op_case_t *it, const char *name, const or_string_t *values, size_t count);
void cts_attribute_tensor(cts_op_case_t *it, const char *name, const or_constant_t *value);
/* Names and runs the case. */
void cts_emit(cts_generator_t *generator, const cts_op_case_t *it);

/* SHAPE(2,3) is an or_shape_t, SCALAR one of rank 0; INTS(1,2) and NUMBERS(1,2) are a pointer and a count. */
#define SHAPE(...) or_shape_make(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})
#define SCALAR or_shape_make(0, NULL)
#define INTS(...) (int64_t[]){__VA_ARGS__}, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)
#define NUMBERS(...) (double[]){__VA_ARGS__}, sizeof((double[]){__VA_ARGS__}) / sizeof(double)

/* The next dtype that the operator's version takes, after `dtype` (OR_DTYPE_NONE first), OR_DTYPE_NONE at the end. */
or_dtype_t cts_next_dtype(const cts_generator_t *generator, or_dtype_t dtype);
#define CTS_EACH_DTYPE(generator, dtype)                                                      \
  for (or_dtype_t dtype = cts_next_dtype((generator), OR_DTYPE_NONE); dtype != OR_DTYPE_NONE; \
       dtype = cts_next_dtype((generator), dtype))

/* Generators of the families. */
void cts_generate_unary(cts_generator_t *g);
void cts_generate_clip(cts_generator_t *g);
void cts_generate_binary(cts_generator_t *g);
void cts_generate_pow(cts_generator_t *g);
void cts_generate_variadic(cts_generator_t *g);
void cts_generate_logic(cts_generator_t *g);
void cts_generate_where(cts_generator_t *g);
void cts_generate_conv(cts_generator_t *g);
void cts_generate_conv_transpose(cts_generator_t *g);
void cts_generate_deform_conv(cts_generator_t *g);
void cts_generate_col2im(cts_generator_t *g);
void cts_generate_causal_conv(cts_generator_t *g);
void cts_generate_max_unpool(cts_generator_t *g);
void cts_generate_max_roi_pool(cts_generator_t *g);
void cts_generate_roi_align(cts_generator_t *g);
void cts_generate_pool(cts_generator_t *g);
void cts_generate_global_pool(cts_generator_t *g);
void cts_generate_gemm(cts_generator_t *g);
void cts_generate_matmul(cts_generator_t *g);
void cts_generate_matmul_integer(cts_generator_t *g);
void cts_generate_qlinear_matmul(cts_generator_t *g);
void cts_generate_conv_integer(cts_generator_t *g);
void cts_generate_qlinear_conv(cts_generator_t *g);
void cts_generate_quantize(cts_generator_t *g);
void cts_generate_dequantize(cts_generator_t *g);
void cts_generate_dynamic_quantize(cts_generator_t *g);
void cts_generate_batch_normalization(cts_generator_t *g);
void cts_generate_layer_normalization(cts_generator_t *g);
void cts_generate_add_layer_normalization(cts_generator_t *g);
void cts_generate_softmax(cts_generator_t *g);
void cts_generate_attention(cts_generator_t *g);
void cts_generate_linear_attention(cts_generator_t *g);
void cts_generate_cached_attention(cts_generator_t *g);
void cts_generate_recurrent(cts_generator_t *g);
void cts_generate_det(cts_generator_t *g);
void cts_generate_reduce(cts_generator_t *g);
void cts_generate_reshape(cts_generator_t *g);
void cts_generate_flatten(cts_generator_t *g);
void cts_generate_transpose(cts_generator_t *g);
void cts_generate_squeeze(cts_generator_t *g);
void cts_generate_unsqueeze(cts_generator_t *g);
void cts_generate_concat(cts_generator_t *g);
void cts_generate_split(cts_generator_t *g);
void cts_generate_slice(cts_generator_t *g);
void cts_generate_gather(cts_generator_t *g);
void cts_generate_embedding_sum(cts_generator_t *g);
void cts_generate_gather_elements(cts_generator_t *g);
void cts_generate_expand(cts_generator_t *g);
void cts_generate_tile(cts_generator_t *g);
void cts_generate_cast(cts_generator_t *g);
void cts_generate_cast_like(cts_generator_t *g);
void cts_generate_shape(cts_generator_t *g);
void cts_generate_copying(cts_generator_t *g);
void cts_generate_constant(cts_generator_t *g);
void cts_generate_constant_of_shape(cts_generator_t *g);
void cts_generate_range(cts_generator_t *g);
void cts_generate_pair(cts_generator_t *g);
void cts_generate_bit_shift(cts_generator_t *g);
void cts_generate_gather_nd(cts_generator_t *g);
void cts_generate_scatter(cts_generator_t *g);
void cts_generate_tensor_scatter(cts_generator_t *g);
void cts_generate_one_hot(cts_generator_t *g);
void cts_generate_non_zero(cts_generator_t *g);
void cts_generate_compress(cts_generator_t *g);
void cts_generate_non_max_suppression(cts_generator_t *g);
void cts_generate_top_k(cts_generator_t *g);
void cts_generate_arg(cts_generator_t *g);
void cts_generate_pad(cts_generator_t *g);
void cts_generate_trilu(cts_generator_t *g);
void cts_generate_eye_like(cts_generator_t *g);
void cts_generate_cumulative(cts_generator_t *g);
void cts_generate_reverse_sequence(cts_generator_t *g);
void cts_generate_blocks(cts_generator_t *g);
void cts_generate_resize(cts_generator_t *g);
void cts_generate_affine_grid(cts_generator_t *g);
void cts_generate_grid_sample(cts_generator_t *g);
void cts_generate_loss(cts_generator_t *g);
void cts_generate_unique(cts_generator_t *g);
void cts_generate_center_crop_pad(cts_generator_t *g);
void cts_generate_image_decoder(cts_generator_t *g);
void cts_generate_resize_of_images(cts_generator_t *g); /* part of cts_generate_resize */
void cts_generate_bit_cast(cts_generator_t *g);
void cts_generate_dropout(cts_generator_t *g);
void cts_generate_optional(cts_generator_t *g);
void cts_generate_tf_idf(cts_generator_t *g);
void cts_generate_einsum(cts_generator_t *g);
void cts_generate_rms_normalization(cts_generator_t *g);
void cts_generate_channel_normalization(cts_generator_t *g);
void cts_generate_line(cts_generator_t *g);
void cts_generate_rotary_embedding(cts_generator_t *g);
void cts_generate_random(cts_generator_t *g);
void cts_generate_bernoulli(cts_generator_t *g);
void cts_generate_multinomial(cts_generator_t *g);
void cts_generate_signal_window(cts_generator_t *g);
void cts_generate_mel_weight_matrix(cts_generator_t *g);
void cts_generate_dft(cts_generator_t *g);
void cts_generate_stft(cts_generator_t *g);
void cts_generate_vector(cts_generator_t *g);
void cts_generate_vector_pair(cts_generator_t *g);
void cts_generate_fill(cts_generator_t *g);
void cts_generate_fft(cts_generator_t *g);

#endif
