/* Packing with conversion, in plain C, for every level. The including file defines P_SRC and P_DST (element types),
 * P_TYPE (a struct's name), P_CONVERT(x), P_GROUP (depth steps that lie together) and P_NAME, and gets static void
 * P_NAME(const P_TYPE *). P_EXACT: the last panel has just its lines. */

typedef struct P_TYPE {
  size_t lines, kc;
  const P_SRC *src;
  size_t line_stride, k_stride;
  P_DST *dst;
  size_t panel;
  bool exact;
} P_TYPE;

static void P_NAME(const P_TYPE *pack) {
  const size_t depth = (pack->kc + P_GROUP - 1) / P_GROUP * P_GROUP;
  P_DST *dst = pack->dst;
  for (size_t line = 0; line < pack->lines; line += pack->panel) {
    const size_t lines = pack->lines - line < pack->panel ? pack->lines - line : pack->panel;
    const size_t width = pack->exact ? lines : pack->panel;
    const P_SRC *src = pack->src + line * pack->line_stride;
    if (P_GROUP > 1 || lines < width) memset(dst, 0, width * depth * sizeof *dst);
    if (pack->line_stride == 1 && P_GROUP == 1) {
      for (size_t k = 0; k < pack->kc; ++k) {
        for (size_t i = 0; i < lines; ++i) dst[k * width + i] = P_CONVERT(src[k * pack->k_stride + i]);
      }
    } else {
      for (size_t i = 0; i < lines; ++i) {
        const P_SRC *from = src + i * pack->line_stride;
        for (size_t k = 0; k < pack->kc; ++k) {
          dst[(k / P_GROUP * width + i) * P_GROUP + k % P_GROUP] = P_CONVERT(from[k * pack->k_stride]);
        }
      }
    }
    dst += width * depth;
  }
}
#define P_DEFINE_A(name, rows_of_panel)                                                                    \
  static void name(size_t rows, size_t kc, const void *a, size_t row_stride, size_t k_stride, void *dst) { \
    const P_TYPE pack = {.lines = rows,                                                                    \
                         .kc = kc,                                                                         \
                         .src = a,                                                                         \
                         .line_stride = row_stride,                                                        \
                         .k_stride = k_stride,                                                             \
                         .dst = dst,                                                                       \
                         .panel = rows_of_panel,                                                           \
                         .exact = P_EXACT};                                                                \
    P_NAME(&pack);                                                                                         \
  }
#define P_DEFINE_B(name, columns_of_panel)                                                                 \
  static void name(size_t kc, size_t cols, const void *b, size_t k_stride, size_t col_stride, void *dst) { \
    const P_TYPE pack = {.lines = cols,                                                                    \
                         .kc = kc,                                                                         \
                         .src = b,                                                                         \
                         .line_stride = col_stride,                                                        \
                         .k_stride = k_stride,                                                             \
                         .dst = dst,                                                                       \
                         .panel = columns_of_panel};                                                       \
    P_NAME(&pack);                                                                                         \
  }
