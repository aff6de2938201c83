/* pack_a and pack_b for fp32 by pack_x86.h, in the terms of gemm_strip_template.h. */
static void pack_a(size_t rows, size_t kc, const void *a, size_t row_stride, size_t k_stride, void *dst) {
  const or_pack_t pack = {.lines = rows,
                          .kc = kc,
                          .src = a,
                          .line_stride = row_stride,
                          .k_stride = k_stride,
                          .dst = dst,
                          .panel = G_MR,
                          .exact = true};
  or_pack_panels_f32(&pack);
}

static void pack_b(size_t kc, size_t cols, const void *b, size_t k_stride, size_t col_stride, void *dst) {
  const or_pack_t pack = {.lines = cols,
                          .kc = kc,
                          .src = b,
                          .line_stride = col_stride,
                          .k_stride = k_stride,
                          .dst = dst,
                          .panel = G_W * G_NV};
  or_pack_panels_f32(&pack);
}
