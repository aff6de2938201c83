#include "base/png.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"

#define MAX_STORED 65535u /* bytes of a stored block: RFC 1951, 3.2.4 */

/* A file that is being written into memory of its size. */
typedef struct png_t {
  uint8_t *bytes;
  size_t length;
  size_t chunk;       /* where the type of the open chunk stands */
  uint32_t crcs[256]; /* of one byte each: ISO 3309, as the PNG standard's annex D has it */
} png_t;

static void put(png_t *png, const void *bytes, size_t length) {
  memcpy(png->bytes + png->length, bytes, length);
  png->length += length;
}

static void put_32(png_t *png, uint32_t value) {
  const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
  put(png, bytes, sizeof bytes);
}

static void begin_chunk(png_t *png, const char type[4], size_t length) {
  put_32(png, (uint32_t)length);
  png->chunk = png->length;
  put(png, type, 4);
}

static void end_chunk(png_t *png) {
  uint32_t crc = UINT32_MAX;
  for (size_t i = png->chunk; i < png->length; ++i) crc = png->crcs[(crc ^ png->bytes[i]) & 0xff] ^ (crc >> 8);
  put_32(png, crc ^ UINT32_MAX);
}

static void make_crcs(png_t *png) {
  for (uint32_t n = 0; n < 256; ++n) {
    uint32_t crc = n;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? UINT32_C(0xedb88320) ^ (crc >> 1) : crc >> 1;
    png->crcs[n] = crc;
  }
}

/* The sum that ends a zlib stream (RFC 1950), of the rows with a filter's byte 0 before each. */
typedef struct adler_t {
  uint32_t a, b;
} adler_t;
static void add(adler_t *sum, const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; ++i) {
    sum->a = (sum->a + bytes[i]) % 65521u;
    sum->b = (sum->b + sum->a) % 65521u;
  }
}

/* A row is a stored block or several. */
static void put_row(png_t *png, const uint8_t *row, size_t length, bool last, adler_t *sum) {
  const uint8_t filter = 0;
  add(sum, &filter, 1);
  add(sum, row, length);
  size_t left = length + 1;
  bool first = true;
  while (left > 0) {
    const size_t piece = left < MAX_STORED ? left : MAX_STORED;
    const uint8_t head[5] = {last && piece == left, (uint8_t)piece, (uint8_t)(piece >> 8), (uint8_t)~piece,
                             (uint8_t)(~piece >> 8)};
    put(png, head, sizeof head);
    if (first) put(png, &filter, 1);
    put(png, row, piece - (first ? 1 : 0));
    row += piece - (first ? 1 : 0);
    left -= piece;
    first = false;
  }
}

or_status_t or_png_write(const or_allocator_t *allocator, const char *path, const or_png_picture_t *picture) {
  static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, zlib[2] = {0x78, 0x01};
  const uint64_t width = picture->width, height = picture->height;
  if (width == 0 || height == 0 || width > OR_PNG_MAX_EXTENT || height > OR_PNG_MAX_EXTENT)
    return or_error(OR_OUT_OF_RANGE, "a picture of %llu x %llu; each extent must be from 1 to %u",
                    (unsigned long long)width, (unsigned long long)height, OR_PNG_MAX_EXTENT);
  const size_t row = (size_t)width * picture->channels, blocks = (row + 1 + MAX_STORED - 1) / MAX_STORED;
  const uint64_t bytes = sizeof zlib + height * (row + 1 + 5 * blocks) + 4;
  if (bytes > INT32_MAX)
    return or_error(OR_OUT_OF_RANGE, "a picture of %llu bytes; a PNG of ours has at most 2 GiB",
                    (unsigned long long)bytes);
  const size_t data = (size_t)bytes;
  void *memory = NULL;
  or_status_t status = or_alloc(allocator, data + 128, &memory);
  if (!or_ok(status)) return status;
  png_t png = {.bytes = memory};
  adler_t sum = {1, 0};
  make_crcs(&png);
  put(&png, signature, sizeof signature);
  begin_chunk(&png, "IHDR", 13);
  put_32(&png, (uint32_t)width);
  put_32(&png, (uint32_t)height);
  const uint8_t rest[5] = {8, picture->channels == 3 ? 2 : 0, 0, 0, 0}; /* depth, colour type, methods */
  put(&png, rest, sizeof rest);
  end_chunk(&png);
  begin_chunk(&png, "IDAT", data);
  put(&png, zlib, sizeof zlib);
  for (uint64_t y = 0; y < height; ++y) put_row(&png, picture->data + y * row, row, y + 1 == height, &sum);
  put_32(&png, sum.b << 16 | sum.a);
  end_chunk(&png);
  begin_chunk(&png, "IEND", 0);
  end_chunk(&png);
  status = or_file_write(path, png.bytes, png.length);
  or_free(allocator, memory);
  return status;
}
