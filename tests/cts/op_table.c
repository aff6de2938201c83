/* Which generator makes the cases of which operator; and the walk over the catalogue. */
#include <stdio.h>
#include <string.h>

#include "base/string.h"
#include "cts/op_case.h"

const cts_op_row_t cts_op_rows[] = {
    {"", "Conv", cts_generate_conv},
    {"", "Gemm", cts_generate_gemm},
    {"", "MatMul", cts_generate_matmul},
    {"", "MatMulInteger", cts_generate_matmul_integer},
    {"", "Relu", cts_generate_unary},
    {"", "Clip", cts_generate_clip},
    {"", "Sigmoid", cts_generate_unary},
    {"", "Tanh", cts_generate_unary},
    {"", "Exp", cts_generate_unary},
    {"", "Log", cts_generate_unary},
    {"", "Sqrt", cts_generate_unary},
    {"", "Abs", cts_generate_unary},
    {"", "Neg", cts_generate_unary},
    {"", "Reciprocal", cts_generate_unary},
    {"", "Erf", cts_generate_unary},
    {"", "Gelu", cts_generate_unary},
    {"", "HardSigmoid", cts_generate_unary},
    {"", "HardSwish", cts_generate_unary},
    {"", "Elu", cts_generate_unary},
    {"", "Celu", cts_generate_unary},
    {"", "Selu", cts_generate_unary},
    {"", "LeakyRelu", cts_generate_unary},
    {"", "ThresholdedRelu", cts_generate_unary},
    {"", "Softplus", cts_generate_unary},
    {"", "Softsign", cts_generate_unary},
    {"", "Mish", cts_generate_unary},
    {"", "Swish", cts_generate_unary},
    {"", "Sin", cts_generate_unary},
    {"", "Cos", cts_generate_unary},
    {"", "Tan", cts_generate_unary},
    {"", "Floor", cts_generate_unary},
    {"", "Ceil", cts_generate_unary},
    {"", "Round", cts_generate_unary},
    {"", "Sign", cts_generate_unary},
    {"", "Not", cts_generate_unary},
    {"", "Add", cts_generate_binary},
    {"", "Sub", cts_generate_binary},
    {"", "Mul", cts_generate_binary},
    {"", "Div", cts_generate_binary},
    {"", "Mod", cts_generate_binary},
    {"", "Pow", cts_generate_pow},
    {"", "Max", cts_generate_variadic},
    {"", "Min", cts_generate_variadic},
    {"", "Equal", cts_generate_binary},
    {"", "Greater", cts_generate_binary},
    {"", "Less", cts_generate_binary},
    {"", "GreaterOrEqual", cts_generate_binary},
    {"", "LessOrEqual", cts_generate_binary},
    {"", "And", cts_generate_logic},
    {"", "Or", cts_generate_logic},
    {"", "Xor", cts_generate_logic},
    {"", "Where", cts_generate_where},
    {"", "MaxPool", cts_generate_pool},
    {"", "AveragePool", cts_generate_pool},
    {"", "GlobalAveragePool", cts_generate_global_pool},
    {"", "GlobalMaxPool", cts_generate_global_pool},
    {"", "BatchNormalization", cts_generate_batch_normalization},
    {"", "LayerNormalization", cts_generate_layer_normalization},
    {"", "Softmax", cts_generate_softmax},
    {"", "LogSoftmax", cts_generate_softmax},
    {"", "Reshape", cts_generate_reshape},
    {"", "Flatten", cts_generate_flatten},
    {"", "Transpose", cts_generate_transpose},
    {"", "Squeeze", cts_generate_squeeze},
    {"", "Unsqueeze", cts_generate_unsqueeze},
    {"", "Concat", cts_generate_concat},
    {"", "Split", cts_generate_split},
    {"", "Slice", cts_generate_slice},
    {"", "Gather", cts_generate_gather},
    {"", "GatherElements", cts_generate_gather_elements},
    {"", "Expand", cts_generate_expand},
    {"", "Tile", cts_generate_tile},
    {"", "Cast", cts_generate_cast},
    {"", "CastLike", cts_generate_cast_like},
    {"", "Shape", cts_generate_shape},
    {"", "Size", cts_generate_shape},
    {"", "Identity", cts_generate_copying},
    {"", "Constant", cts_generate_constant},
    {"", "ConstantOfShape", cts_generate_constant_of_shape},
    {"", "Range", cts_generate_range},
    {"", "ReduceMean", cts_generate_reduce},
    {"", "ReduceSum", cts_generate_reduce},
    {"", "ReduceMax", cts_generate_reduce},
    {"", "ReduceMin", cts_generate_reduce},
    {"", "ReduceProd", cts_generate_reduce},
    {"", "ReduceL1", cts_generate_reduce},
    {"", "ReduceL2", cts_generate_reduce},
    {"", "ReduceSumSquare", cts_generate_reduce},
    {"", "ReduceLogSum", cts_generate_reduce},
    {"", "ReduceLogSumExp", cts_generate_reduce},
    {"openruntime", "Copy", cts_generate_copying},
    {"openruntime", "Scale", cts_generate_vector},
    {"openruntime", "Norm", cts_generate_vector},
    {"openruntime", "ReadSum", cts_generate_vector},
    {"openruntime", "Axpy", cts_generate_vector_pair},
    {"openruntime", "Triad", cts_generate_vector_pair},
    {"openruntime", "Dot", cts_generate_vector_pair},
    {"openruntime", "Fill", cts_generate_fill},
    {"openruntime", "Fft", cts_generate_fft},
    {NULL, NULL, NULL},
};

static or_status_t has_cases(cts_t *cts, const void *data) {
  const cts_generator_t *generator = data;
  (void)cts;
  CTS_CHECK(generator->cases > 0, "the catalogue's operator %s has no case in tests/cts/op_table.c",
            generator->op->name);
  return or_status_success();
}

void cts_suite_ops(cts_t *cts) {
  for (size_t i = 0; i < or_op_count(); ++i) {
    const or_op_t *op = or_op_at(i);
    const cts_op_row_t *row = cts_op_rows;
    while (row->name != NULL && (strcmp(row->name, op->name) != 0 || strcmp(row->domain, op->domain) != 0)) ++row;
    cts_generator_t generator = {.cts = cts, .op = op};
    for (int v = 0; row->name != NULL && v < OR_OP_MAX_VERSIONS && op->since[v] != 0; ++v) {
      generator.version = op->since[v];
      generator.newest = v + 1 == OR_OP_MAX_VERSIONS || op->since[v + 1] == 0;
      if (cts->backend->newest_only && !generator.newest) continue;
      row->generate(&generator);
    }
    char name[96];
    cts_case(cts, or_format(name, sizeof name, "catalogue/%s", op->name), has_cases, &generator);
  }
}
