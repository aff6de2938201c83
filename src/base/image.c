#include "base/image.h"

#include <string.h>

#include "base/alloc.h"

typedef struct magic_t {
  or_image_format_t format;
  size_t at, length;
  const char *bytes;
} magic_t;

static const magic_t magics[] = {
    {OR_IMAGE_PNG, 0, 8, "\x89PNG\r\n\x1a\n"},
    {OR_IMAGE_JPEG, 0, 3, "\xff\xd8\xff"},
    {OR_IMAGE_TIFF, 0, 4, "II*\0"},
    {OR_IMAGE_TIFF, 0, 4, "MM\0*"},
    {OR_IMAGE_WEBP, 8, 4, "WEBP"},
    {OR_IMAGE_JPEG2000, 0, 12, "\0\0\0\x0cjP  \r\n\x87\n"},
    {OR_IMAGE_JPEG2000, 0, 4, "\xff\x4f\xff\x51"},
};

#define BMP_HEADER 14

or_image_format_t or_image_format(const void *bytes, size_t length) {
  const uint8_t *p = bytes;
  for (size_t i = 0; i < sizeof magics / sizeof *magics; ++i) {
    const magic_t *magic = &magics[i];
    if (length >= magic->at + magic->length && memcmp(p + magic->at, magic->bytes, magic->length) == 0)
      return magic->format;
  }
  if (length > BMP_HEADER && p[0] == 'B' && p[1] == 'M') return OR_IMAGE_BMP;
  if (length > 2 && p[0] == 'P' && p[1] >= '1' && p[1] <= '6' && strchr(" \t\r\n#", p[2]) != NULL && p[2] != '\0')
    return OR_IMAGE_PNM;
  return OR_IMAGE_UNKNOWN;
}

const char *or_image_format_name(or_image_format_t format) {
  static const char *const names[] = {"unknown", "PNG", "JPEG", "BMP", "PNM", "TIFF", "WebP", "JPEG 2000"};
  return names[format];
}

or_status_t or_image_begin(const or_allocator_t *allocator, uint64_t width, uint64_t height, uint64_t max_pixels,
                           or_image_t *out) {
  if (width == 0 || height == 0) {
    return or_error(OR_DATA_LOSS, "the picture is %llu x %llu pixels", (unsigned long long)width,
                    (unsigned long long)height);
  }
  if (width > UINT32_MAX || height > UINT32_MAX || width > max_pixels / height) {
    return or_error(OR_OUT_OF_RANGE, "the picture is %llu x %llu pixels; the limit is %llu pixels",
                    (unsigned long long)width, (unsigned long long)height, (unsigned long long)max_pixels);
  }
  void *memory = NULL;
  or_status_t status = or_alloc_array(allocator, (size_t)width * (size_t)height, 4, &memory);
  out->width = (uint32_t)width;
  out->height = (uint32_t)height;
  out->rgba = memory;
  return status;
}
