/* Constant operands, packed once: depth block by depth block, in each block panel by panel. */
#include "backends/cpu/kernels/gemm_internal.h"

size_t or_gemm_packed_a_offset(const or_gemm_ops_t *ops, size_t extent, size_t index, size_t k0, size_t kc) {
  size_t rows = ops->exact_rows ? extent : or_gemm_round_up(extent, ops->mr);
  return k0 * rows + index * or_gemm_round_up(kc, ops->k_group);
}

size_t or_gemm_packed_b_offset(const or_gemm_ops_t *ops, size_t extent, size_t index, size_t k0, size_t kc) {
  return k0 * or_gemm_round_up(extent, ops->nr) + index * or_gemm_round_up(kc, ops->k_group);
}

size_t or_gemm_packed_a_bytes(const or_gemm_const_t *source) {
  const or_gemm_ops_t *ops = source->ops;
  size_t rows = or_gemm_round_up(source->extent, ops->mr);
  return or_gemm_mul(or_gemm_mul(rows, or_gemm_round_up(source->k, ops->k_group)), ops->packed_a_bytes);
}

size_t or_gemm_packed_b_bytes(const or_gemm_const_t *source) {
  const or_gemm_ops_t *ops = source->ops;
  size_t columns = or_gemm_round_up(source->extent, ops->nr);
  return or_gemm_mul(or_gemm_mul(columns, or_gemm_round_up(source->k, ops->k_group)), ops->packed_b_bytes);
}

void or_gemm_pack_a_const(const or_gemm_const_t *source, size_t begin, size_t end, void *dst) {
  const or_gemm_ops_t *ops = source->ops;
  size_t block = or_gemm_depth_block(ops, source->k, &source->caches);
  size_t row_stride = source->transposed ? 1 : source->ld, k_stride = source->transposed ? source->ld : 1;
  for (size_t k0 = 0; k0 < source->k && begin < end; k0 += block) {
    size_t kc = or_gemm_min(block, source->k - k0);
    const void *from = or_gemm_at(source->data, begin * row_stride + k0 * k_stride, ops->a_bytes);
    size_t offset = or_gemm_packed_a_offset(ops, source->extent, begin, k0, kc);
    ops->pack_a(end - begin, kc, from, row_stride, k_stride, or_gemm_at_mut(dst, offset, ops->packed_a_bytes));
  }
}

void or_gemm_pack_b_const(const or_gemm_const_t *source, size_t begin, size_t end, void *dst) {
  const or_gemm_ops_t *ops = source->ops;
  size_t block = or_gemm_depth_block(ops, source->k, &source->caches);
  size_t column_stride = source->transposed ? source->ld : 1, k_stride = source->transposed ? 1 : source->ld;
  for (size_t k0 = 0; k0 < source->k && begin < end; k0 += block) {
    size_t kc = or_gemm_min(block, source->k - k0);
    const void *from = or_gemm_at(source->data, begin * column_stride + k0 * k_stride, ops->b_bytes);
    size_t offset = or_gemm_packed_b_offset(ops, source->extent, begin, k0, kc);
    ops->pack_b(kc, end - begin, from, k_stride, column_stride, or_gemm_at_mut(dst, offset, ops->packed_b_bytes));
  }
}

size_t or_gemm_panel_a(const or_gemm_ops_t *ops) { return ops->mr; }
size_t or_gemm_panel_b(const or_gemm_ops_t *ops) { return ops->nr; }
const char *or_gemm_layout(const or_gemm_ops_t *ops) { return ops->layout; }
