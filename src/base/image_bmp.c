/* BMP, as Windows' BITMAPFILEHEADER and BITMAPCOREHEADER to BITMAPV5HEADER describe it. */
#include <string.h>

#include "base/alloc.h"
#include "base/image.h"

#define FILE_HEADER 14u
#define CORE_HEADER 12u
#define INFO_HEADER 40u
#define MASKS 12u /* bytes of three masks */
#define MAX_HEADER 124u
#define COLORS 256u

enum { COMPRESSION_NONE = 0, COMPRESSION_MASKS = 3, COMPRESSION_ALPHA_MASKS = 6 };

typedef struct bmp_t {
  const uint8_t *bytes;
  size_t length;
  uint32_t header, pixels; /* bytes of the header; where the pixels begin */
  uint64_t width, height;
  bool upward; /* the lowest row comes first */
  uint32_t bits, compression, color_count;
  uint32_t masks[3]; /* red, green, blue */
  uint8_t palette[COLORS][3];
} bmp_t;

static uint32_t u16(const uint8_t *p) { return (uint32_t)(p[0] | p[1] << 8); }
static uint32_t u32(const uint8_t *p) { return u16(p) | u16(p + 2) << 16; }

static or_status_t truncated(void) { return or_error(OR_DATA_LOSS, "BMP: the file ends too early"); }

static or_status_t read_header(bmp_t *bmp);
static or_status_t read_masks(bmp_t *bmp);
static or_status_t read_palette(bmp_t *bmp);
static void read_row(const bmp_t *bmp, const uint8_t *row, uint8_t *rgba);

or_status_t or_image_decode_bmp(const or_allocator_t *allocator, const void *bytes, size_t length, uint64_t max_pixels,
                                or_image_t *out) {
  bmp_t bmp = {.bytes = bytes, .length = length};
  *out = (or_image_t){0};
  or_status_t status = read_header(&bmp);
  if (or_ok(status)) status = read_masks(&bmp);
  if (or_ok(status)) status = read_palette(&bmp);
  if (!or_ok(status)) return status;
  /* Rows end on four bytes. Looked at before anything is allocated: what is not in the file is not a picture. */
  uint64_t stride = (bmp.width * bmp.bits + 31) / 32 * 4, left = length > bmp.pixels ? length - bmp.pixels : 0;
  if (bmp.height > 0 && stride > left / bmp.height) return truncated();
  status = or_image_begin(allocator, bmp.width, bmp.height, max_pixels, out);
  for (uint64_t y = 0; or_ok(status) && y < bmp.height; ++y) {
    uint64_t row = bmp.upward ? bmp.height - 1 - y : y;
    read_row(&bmp, bmp.bytes + bmp.pixels + row * stride, out->rgba + y * bmp.width * 4);
  }
  return status;
}

static or_status_t read_header(bmp_t *bmp) {
  const uint8_t *p = bmp->bytes;
  if (bmp->length < FILE_HEADER + CORE_HEADER || p[0] != 'B' || p[1] != 'M') return truncated();
  bmp->pixels = u32(p + 10);
  bmp->header = u32(p + 14);
  bool core = bmp->header == CORE_HEADER;
  if (!core && (bmp->header < INFO_HEADER || bmp->header > MAX_HEADER))
    return or_error(OR_DATA_LOSS, "BMP: a header of %u bytes", bmp->header);
  if (bmp->length < FILE_HEADER + bmp->header) return truncated();
  int64_t height = core ? (int64_t)u16(p + 20) : (int64_t)(int32_t)u32(p + 22);
  bmp->width = core ? u16(p + 18) : u32(p + 18);
  bmp->upward = height >= 0;
  bmp->height = (uint64_t)(height < 0 ? -height : height);
  bmp->bits = u16(p + (core ? 24 : 28));
  bmp->compression = core ? COMPRESSION_NONE : u32(p + 30);
  bmp->color_count = core ? 0 : u32(p + 46);
  bool masks = bmp->compression == COMPRESSION_MASKS || bmp->compression == COMPRESSION_ALPHA_MASKS;
  bool plain = bmp->bits == 1 || bmp->bits == 4 || bmp->bits == 8 || bmp->bits == 24;
  bool wide = bmp->bits == 16 || bmp->bits == 32;
  if (bmp->compression != COMPRESSION_NONE && !masks)
    return or_error(OR_UNIMPLEMENTED, "BMP: compression %u is not read; save the picture without", bmp->compression);
  if (!(wide || (plain && !masks))) return or_error(OR_DATA_LOSS, "BMP: pixels of %u bits", bmp->bits);
  if (bmp->width > INT32_MAX) return or_error(OR_DATA_LOSS, "BMP: a width of %llu", (unsigned long long)bmp->width);
  return or_status_success();
}

static or_status_t read_masks(bmp_t *bmp) {
  static const uint32_t of_16[3] = {0x7c00, 0x03e0, 0x001f}, of_32[3] = {0xff0000, 0x00ff00, 0x0000ff};
  memcpy(bmp->masks, bmp->bits == 16 ? of_16 : of_32, sizeof bmp->masks);
  if (bmp->compression == COMPRESSION_NONE) return or_status_success();
  if (bmp->length < FILE_HEADER + INFO_HEADER + MASKS) return truncated(); /* in or behind the header */
  for (size_t i = 0; i < 3; ++i) bmp->masks[i] = u32(bmp->bytes + FILE_HEADER + INFO_HEADER + 4 * i);
  return or_status_success();
}

static or_status_t read_palette(bmp_t *bmp) {
  if (bmp->bits > 8) return or_status_success();
  size_t entry = bmp->header == CORE_HEADER ? 3 : 4, most = (size_t)1 << bmp->bits;
  size_t count = bmp->color_count > 0 && bmp->color_count < most ? bmp->color_count : most;
  if ((bmp->length - FILE_HEADER - bmp->header) / entry < count) return truncated();
  const uint8_t *from = bmp->bytes + FILE_HEADER + bmp->header;
  for (size_t i = 0; i < count; ++i, from += entry) {
    for (size_t k = 0; k < 3; ++k) bmp->palette[i][k] = from[2 - k];
  }
  return or_status_success();
}

/* The bits of `mask`, stretched to 0..255. */
static uint8_t part(uint32_t pixel, uint32_t mask) {
  if (mask == 0) return 0;
  uint64_t most = mask / (mask & (~mask + 1)), value = (pixel & mask) / (mask & (~mask + 1));
  return (uint8_t)((value * 255 + most / 2) / most);
}

static void read_row(const bmp_t *bmp, const uint8_t *row, uint8_t *rgba) {
  for (uint64_t x = 0; x < bmp->width; ++x, rgba += 4) {
    rgba[3] = 255;
    if (bmp->bits <= 8) {
      uint64_t bit = x * bmp->bits;
      uint32_t index = (uint32_t)row[bit / 8] >> (8 - bmp->bits - bit % 8) & ((1u << bmp->bits) - 1);
      memcpy(rgba, bmp->palette[index], 3);
    } else if (bmp->bits == 24) {
      for (size_t k = 0; k < 3; ++k) rgba[k] = row[3 * x + 2 - k];
    } else {
      uint32_t pixel = bmp->bits == 16 ? u16(row + 2 * x) : u32(row + 4 * x);
      for (size_t k = 0; k < 3; ++k) rgba[k] = part(pixel, bmp->masks[k]);
    }
  }
}
