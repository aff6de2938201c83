/* Which primitives we ask oneDNN for, by version 2 of its API. */
#include "backends/cpu/dnnl_v2_internal.h"

#ifdef OR_DNNL_V2

#include <string.h>

/* Nothing but compiled code counts as fast: the library's own loops in C lose to ours. */
static bool is_fast(const or_dnnl_op_t *op) {
  return strstr(op->kernel, "jit") != NULL || strstr(op->kernel, "brg") != NULL || strstr(op->kernel, "brdgmm") != NULL;
}

static or_status_t only_fast(or_status_t status, or_dnnl_op_t **out) {
  if (!or_ok(status) || is_fast(*out)) return status;
  status = or_error(OR_UNIMPLEMENTED, "oneDNN would use \"%s\" for this", (*out)->kernel);
  or_dnnl_op_release(*out);
  *out = NULL;
  return status;
}

static or_status_t describe_as(const or_dnnl_t *dnnl, dnnl_data_type_t type, int rank, const dnnl_dims_t dims,
                               dnnl_format_tag_t tag, dnnl_memory_desc_t *out) {
  return or_dnnl_check(dnnl->dnnl_memory_desc_init_by_tag(out, rank, dims, type, tag), "dnnl_memory_desc_init_by_tag");
}

static or_status_t describe(const or_dnnl_t *dnnl, int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag,
                            dnnl_memory_desc_t *out) {
  return describe_as(dnnl, dnnl_f32, rank, dims, tag, out);
}

/* Images [N,C,H,W]: as a layout says, or as the library likes. */
static or_status_t describe_image(const or_dnnl_t *dnnl, dnnl_data_type_t type, const dnnl_dims_t dims,
                                  const or_dnnl_layout_t *layout, dnnl_memory_desc_t *out) {
  if (layout == NULL) return describe_as(dnnl, type, 4, dims, dnnl_format_tag_any, out);
  *out = layout->desc;
  return or_status_success();
}

typedef struct conv_descs_t {
  dnnl_memory_desc_t src, weights, bias, dst;
  dnnl_dims_t src_dims, weights_dims, dst_dims;
  int weights_rank;
  dnnl_format_tag_t weights_order; /* as ONNX has them */
} conv_descs_t;

static or_status_t describe_conv(const or_dnnl_t *dnnl, const or_dnnl_conv_t *conv, conv_descs_t *out) {
  const or_conv_shape_t *shape = &conv->shape;
  const or_cpu_window_t *window = &shape->window;
  dnnl_dim_t n = (dnnl_dim_t)shape->batch, ic = (dnnl_dim_t)shape->in_channels, oc = (dnnl_dim_t)shape->out_channels;
  dnnl_dim_t g = (dnnl_dim_t)shape->groups, kh = (dnnl_dim_t)window->kernel_h, kw = (dnnl_dim_t)window->kernel_w;
  dnnl_dims_t src = {n, ic, (dnnl_dim_t)window->in_h, (dnnl_dim_t)window->in_w};
  dnnl_dims_t dst = {n, oc, (dnnl_dim_t)window->out_h, (dnnl_dim_t)window->out_w};
  dnnl_dims_t plain = {oc, ic, kh, kw}, grouped = {g, oc / g, ic / g, kh, kw}, bias = {oc};
  out->weights_rank = g > 1 ? 5 : 4;
  out->weights_order = conv->transposed ? (g > 1 ? dnnl_giohw : dnnl_iohw) : (g > 1 ? dnnl_goihw : dnnl_oihw);
  memcpy(out->src_dims, src, sizeof src);
  memcpy(out->dst_dims, dst, sizeof dst);
  memcpy(out->weights_dims, g > 1 ? grouped : plain, sizeof plain);
  dnnl_data_type_t type = shape->bf16 ? dnnl_bf16 : dnnl_f32;
  or_status_t status = describe_image(dnnl, type, src, conv->src, &out->src);
  if (or_ok(status)) status = describe_image(dnnl, type, dst, conv->dst, &out->dst);
  if (or_ok(status)) {
    status = describe_as(dnnl, type, out->weights_rank, out->weights_dims, dnnl_format_tag_any, &out->weights);
  }
  if (or_ok(status)) status = describe(dnnl, 1, bias, dnnl_a, &out->bias);
  return status;
}

/* Both kinds have one descriptor and one list of arguments. */
static or_status_t init_conv(const or_dnnl_t *dnnl, const or_dnnl_conv_t *conv, const conv_descs_t *descs,
                             dnnl_convolution_desc_t *out) {
  const or_cpu_window_t *window = &conv->shape.window;
  const dnnl_dims_t strides = {(dnnl_dim_t)window->stride_h, (dnnl_dim_t)window->stride_w};
  const dnnl_dims_t dilation = {(dnnl_dim_t)window->dilation_h - 1, (dnnl_dim_t)window->dilation_w - 1};
  const dnnl_dims_t begin = {(dnnl_dim_t)window->pad_top, (dnnl_dim_t)window->pad_left};
  const dnnl_dims_t end = {(dnnl_dim_t)conv->pad_bottom, (dnnl_dim_t)conv->pad_right};
  const dnnl_memory_desc_t *bias = conv->bias ? &descs->bias : NULL;
  if (conv->transposed) {
    return or_dnnl_check(dnnl->dnnl_dilated_deconvolution_forward_desc_init(
                             out, dnnl_forward_inference, dnnl_deconvolution_direct, &descs->src, &descs->weights, bias,
                             &descs->dst, strides, dilation, begin, end),
                         "dnnl_dilated_deconvolution_forward_desc_init");
  }
  return or_dnnl_check(dnnl->dnnl_dilated_convolution_forward_desc_init(
                           out, dnnl_forward_inference, dnnl_convolution_auto, &descs->src, &descs->weights, bias,
                           &descs->dst, strides, dilation, begin, end),
                       "dnnl_dilated_convolution_forward_desc_init");
}

or_status_t or_dnnl_conv_create(const or_dnnl_t *dnnl, const or_allocator_t *allocator, const or_dnnl_conv_t *conv,
                                or_dnnl_op_t **out) {
  conv_descs_t descs;
  dnnl_convolution_desc_t desc;
  *out = NULL;
  or_status_t status = describe_conv(dnnl, conv, &descs);
  if (or_ok(status)) status = init_conv(dnnl, conv, &descs, &desc);
  or_dnnl_make_t make = {.desc = &desc, .sum = conv->residual, .act = conv->act};
  if (or_ok(status)) status = only_fast(or_dnnl_op_make(dnnl, allocator, &make, out), out);
  if (!or_ok(status)) return status;
  or_dnnl_op_t *op = *out;
  status = describe(dnnl, 4, descs.src_dims, dnnl_nchw, &op->dense[OR_DNNL_SRC].desc);
  if (or_ok(status)) status = describe(dnnl, 4, descs.dst_dims, dnnl_nchw, &op->dense[OR_DNNL_DST].desc);
  if (or_ok(status)) {
    status =
        describe(dnnl, descs.weights_rank, descs.weights_dims, descs.weights_order, &op->dense[OR_DNNL_WEIGHTS].desc);
  }
  if (or_ok(status)) return status;
  or_dnnl_op_release(op);
  *out = NULL;
  return status;
}

or_status_t or_dnnl_pool_create(const or_dnnl_t *dnnl, const or_allocator_t *allocator, const or_dnnl_pool_t *pool,
                                or_dnnl_op_t **out) {
  const or_cpu_window_t *window = &pool->window;
  const dnnl_dims_t strides = {(dnnl_dim_t)window->stride_h, (dnnl_dim_t)window->stride_w};
  const dnnl_dims_t kernel = {(dnnl_dim_t)window->kernel_h, (dnnl_dim_t)window->kernel_w};
  const dnnl_dims_t dilation = {(dnnl_dim_t)window->dilation_h - 1, (dnnl_dim_t)window->dilation_w - 1};
  const dnnl_dims_t begin = {(dnnl_dim_t)window->pad_top, (dnnl_dim_t)window->pad_left};
  const dnnl_dims_t end = {(dnnl_dim_t)pool->pad_bottom, (dnnl_dim_t)pool->pad_right};
  const dnnl_dims_t dims = {(dnnl_dim_t)pool->batch, (dnnl_dim_t)pool->channels, (dnnl_dim_t)window->out_h,
                            (dnnl_dim_t)window->out_w};
  dnnl_alg_kind_t algorithm = pool->max               ? dnnl_pooling_max
                              : pool->include_padding ? dnnl_pooling_avg_include_padding
                                                      : dnnl_pooling_avg_exclude_padding;
  dnnl_memory_desc_t dst;
  dnnl_pooling_v2_desc_t desc;
  *out = NULL;
  dnnl_data_type_t type = pool->src->desc.data_type;
  or_status_t status = describe_as(dnnl, type, 4, dims, dnnl_format_tag_any, &dst);
  if (!or_ok(status)) return status;
  status =
      or_dnnl_check(dnnl->dnnl_pooling_v2_forward_desc_init(&desc, dnnl_forward_inference, algorithm, &pool->src->desc,
                                                            &dst, strides, kernel, dilation, begin, end),
                    "dnnl_pooling_v2_forward_desc_init");
  or_dnnl_make_t make = {.desc = &desc};
  if (or_ok(status)) status = only_fast(or_dnnl_op_make(dnnl, allocator, &make, out), out);
  if (!or_ok(status)) return status;
  status = describe(dnnl, 4, dims, dnnl_nchw, &(*out)->dense[OR_DNNL_DST].desc);
  if (or_ok(status)) return status;
  or_dnnl_op_release(*out);
  *out = NULL;
  return status;
}

or_status_t or_dnnl_reorder_create(const or_dnnl_t *dnnl, const or_allocator_t *allocator, const or_dnnl_layout_t *from,
                                   const or_dnnl_layout_t *to, or_dnnl_op_t **out) {
  or_dnnl_make_t make = {.from = &from->desc, .to = &to->desc};
  return or_dnnl_op_make(dnnl, allocator, &make, out);
}

#endif
