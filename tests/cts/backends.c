/* The backends and what each declares. One row a backend. */
#include "backends/registry.h"
#include "cts/cts.h"
#include "fake/fake.h"

static const cts_listed_t nothing[] = {{NULL, NULL}};

static const cts_listed_t null_unsupported[] = {
    {"op/*", "the null backend runs no operator"},
    {"run/*", "the null backend runs no operator"},
    {NULL, NULL},
};

/* By kernel family. */
static const char *const opencl_offered[] = {
    "op/Reshape*",
    "op/Flatten*",
    "op/Squeeze*",
    "op/Unsqueeze*",
    "op/Identity*",
    "op/Relu-*",
    "op/Sigmoid-*",
    "op/Tanh-*",
    "op/Exp-*",
    "op/Log-*",
    "op/Sqrt-*",
    "op/Abs-*",
    "op/Neg-*",
    "op/Reciprocal-*",
    "op/Gelu-*",
    "op/HardSigmoid-*",
    "op/HardSwish-*",
    "op/Elu-*",
    "op/Celu-*",
    "op/Selu-*",
    "op/LeakyRelu-*",
    "op/ThresholdedRelu-*",
    "op/Softplus-*",
    "op/Softsign-*",
    "op/Mish-*",
    "op/Swish-*",
    "op/Sin-*",
    "op/Cos-*",
    "op/Tan-*",
    "op/Asin-*",
    "op/Acos-*",
    "op/Atan-*",
    "op/Sinh-*",
    "op/Cosh-*",
    "op/Asinh-*",
    "op/Acosh-*",
    "op/Atanh-*",
    "op/Floor-*",
    "op/Ceil-*",
    "op/Round-*",
    "op/Sign-*",
    "op/Not-*",
    "op/Clip-*",
    "op/Add-*",
    "op/Sub-*",
    "op/Mul-*",
    "op/Div-*",
    "op/Mod-*",
    "op/Max-*",
    "op/Min-*",
    "op/Equal-*",
    "op/Greater-*",
    "op/Less-*",
    "op/GreaterOrEqual-*",
    "op/LessOrEqual-*",
    "op/And-*",
    "op/Or-*",
    "op/Xor-*",
    "op/Axpy-*",
    "op/Triad-*",
    "op/Where-*",
    "op/Transpose-*",
    "op/Concat-*",
    "op/Split-*",
    "op/Slice-*",
    "op/Expand-*",
    "op/Tile-*",
    "op/Gather-*",
    "op/Pad-*",
    "op/Cast-*",
    "op/CastLike-*",
    "op/MatMul-*",
    "op/Gemm-*",
    "op/Conv-*",
    NULL,
};

/* Types of less than a byte, 8-bit floats but where they only move, what a family leaves to others. */
static const char *const opencl_not_offered[] = {
    "*/int4 *",
    "*/uint4 *",
    "*/int2 *",
    "*/uint2 *",
    "*/float4e2m1 *",
    "*/float6*",
    "*/string *",
    "op/Cast*float8*",
    "op/Cast*float4*",
    "op/Cast*float6*",
    "op/Cast* int4*",
    "op/Cast* uint4*",
    "op/Cast* int2*",
    "op/Cast* uint2*",
    "op/Cast*string*",
    "op/Mod-*/float64 *",
    "op/Pad-*mode=reflect*",
    "op/Pad-*mode=edge*",
    "op/Pad-*mode=wrap*",
    NULL,
};

static const cts_listed_t opencl_unsupported[] = {
    {"op/Conv-*[1,2,5,6,7]*", "a window of three dimensions has no kernel"},
    {"op/Conv-*[1,4,4,4,4]*", "a window of three dimensions has no kernel"},
    {NULL, NULL},
};

static void prepare_fake(void) {
  or_fake_reset();
  or_fake_set_devices(2, false);
  or_fake_set_fused(true);
}

const cts_backend_t cts_backends[] = {
    {.name = "cpu",
     .entry = or_backend_cpu_entry,
     .tolerance_scale = 1,
     .unsupported = nothing,
     .expected_failures = nothing},
    {.name = "opencl",
     .entry = or_backend_opencl_entry,
     .tolerance_scale = 1,
     .offered = opencl_offered,
     .not_offered = opencl_not_offered,
     .unsupported = opencl_unsupported,
     .expected_failures = nothing},
    {.name = "null",
     .entry = or_backend_null_entry,
     .newest_only = true,
     .tolerance_scale = 1,
     .unsupported = null_unsupported,
     .expected_failures = nothing},
    /* Not a real one: the suite's own check, on memory that the host can't reach. */
    {.name = "fake",
     .entry = or_fake_entry,
     .newest_only = true,
     .prepare = prepare_fake,
     .tolerance_scale = 1,
     .unsupported = nothing,
     .expected_failures = nothing},
};
const size_t cts_backend_count = sizeof cts_backends / sizeof cts_backends[0];
