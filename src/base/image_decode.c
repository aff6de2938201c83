/* PNG and JPEG by their libraries: the only file that knows them. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image.h"
#include "or_config.h"

#if OR_HAVE_PNG
#include <png.h>
#endif
#if OR_HAVE_JPEG
#include <jpeglib.h>

#include <jerror.h>
#endif

#if OR_HAVE_PNG
/* What libpng reads from, and where its error goes: it leaves by longjmp. */
typedef struct png_source_t {
  const uint8_t *bytes;
  size_t length, offset;
  uint64_t max_pixels;
  char error[128];
} png_source_t;

static void png_failed(png_structp png, png_const_charp message) {
  png_source_t *source = png_get_error_ptr(png);
  (void)snprintf(source->error, sizeof source->error, "%s", message);
  png_longjmp(png, 1);
}
static void png_warned(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}
static void png_take(png_structp png, png_bytep to, png_size_t length) {
  png_source_t *source = png_get_io_ptr(png);
  if (length > source->length - source->offset) png_error(png, "the file ends too early");
  memcpy(to, source->bytes + source->offset, length);
  source->offset += length;
}

/* Asks for RGBA of 8 bits, without colour management, behind the header. */
static void png_prepare(png_structp png, png_infop info) {
  png_set_expand(png);
  png_set_strip_16(png);
  png_set_gray_to_rgb(png);
  png_set_filler(png, 0xff, PNG_FILLER_AFTER);
  (void)png_set_interlace_handling(png);
  png_read_update_info(png, info);
}

/* Everything that longjmp passes over lives in the caller, so nothing here changes between setjmp and longjmp but
   through pointers. */
static or_status_t png_decode(const or_allocator_t *allocator, png_structp png, png_infop info, png_source_t *source,
                              or_image_t *out) {
  if (setjmp(png_jmpbuf(png)) != 0) {
    or_free(allocator, out->rgba);
    out->rgba = NULL;
    return or_error(OR_DATA_LOSS, "PNG: %s", source->error);
  }
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
  png_set_read_fn(png, source, png_take);
  png_read_info(png, info);
  or_status_t status = or_image_begin(allocator, png_get_image_width(png, info), png_get_image_height(png, info),
                                      source->max_pixels, out);
  if (!or_ok(status)) return status;
  png_prepare(png, info); /* allocates rows: after the check */
  if (png_get_rowbytes(png, info) != (size_t)out->width * 4)
    return or_error(OR_DATA_LOSS, "PNG: the rows are not RGBA");
  int passes = png_get_interlace_type(png, info) == PNG_INTERLACE_NONE ? 1 : 7;
  for (int pass = 0; pass < passes; ++pass) {
    for (uint32_t y = 0; y < out->height; ++y) png_read_row(png, out->rgba + (size_t)y * out->width * 4, NULL);
  }
  return status;
}

static or_status_t decode_png(const or_allocator_t *allocator, const void *bytes, size_t length, uint64_t max_pixels,
                              or_image_t *out) {
  png_source_t source = {.bytes = bytes, .length = length, .max_pixels = max_pixels};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, png_failed, png_warned);
  png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
  or_status_t status = info != NULL ? png_decode(allocator, png, info, &source, out)
                                    : or_error(OR_RESOURCE_EXHAUSTED, "PNG: no memory for the decoder");
  png_destroy_read_struct(png != NULL ? &png : NULL, info != NULL ? &info : NULL, NULL);
  return status;
}
#else
static or_status_t decode_png(const or_allocator_t *allocator, const void *bytes, size_t length, uint64_t max_pixels,
                              or_image_t *out) {
  (void)allocator, (void)bytes, (void)length, (void)max_pixels, (void)out;
  return or_error(OR_UNIMPLEMENTED, "PNG: this build has no libpng; install its headers and build again");
}
#endif

#if OR_HAVE_JPEG
typedef struct jpeg_source_t {
  struct jpeg_error_mgr manager; /* first: libjpeg hands out its address */
  jmp_buf jump;
  uint64_t max_pixels;
  char error[JMSG_LENGTH_MAX];
} jpeg_source_t;

static void jpeg_failed(j_common_ptr jpeg) {
  jpeg_source_t *source = (jpeg_source_t *)(void *)jpeg->err;
  jpeg->err->format_message(jpeg, source->error);
  longjmp(source->jump, 1);
}
/* libjpeg fills what is missing with gray and only warns: a picture that is not all there is refused. Other warnings,
   of bytes between segments and the like, are of no consequence. */
static void jpeg_message(j_common_ptr jpeg, int level) {
  int code = jpeg->err->msg_code;
  if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE)) jpeg_failed(jpeg);
}

static or_status_t jpeg_decode(const or_allocator_t *allocator, struct jpeg_decompress_struct *jpeg,
                               jpeg_source_t *source, or_image_t *out) {
  if (setjmp(source->jump) != 0) {
    or_free(allocator, out->rgba);
    out->rgba = NULL;
    return or_error(OR_DATA_LOSS, "JPEG: %s", source->error);
  }
  (void)jpeg_read_header(jpeg, TRUE);
  if (jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK)
    return or_error(OR_UNIMPLEMENTED, "JPEG: CMYK is not read; convert the picture to RGB");
  or_status_t status = or_image_begin(allocator, jpeg->image_width, jpeg->image_height, source->max_pixels, out);
  if (!or_ok(status)) return status;
  jpeg->out_color_space = JCS_RGB;
  (void)jpeg_start_decompress(jpeg);
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t *row = out->rgba + (size_t)jpeg->output_scanline * out->width * 4;
    JSAMPROW rows[1] = {row};
    (void)jpeg_read_scanlines(jpeg, rows, 1);
    for (size_t x = out->width; x-- > 0;) { /* RGB to RGBA in place, from the end */
      uint8_t r = row[3 * x], g = row[3 * x + 1], b = row[3 * x + 2];
      row[4 * x] = r;
      row[4 * x + 1] = g;
      row[4 * x + 2] = b;
      row[4 * x + 3] = 0xff;
    }
  }
  (void)jpeg_finish_decompress(jpeg);
  return status;
}

static or_status_t decode_jpeg(const or_allocator_t *allocator, const void *bytes, size_t length, uint64_t max_pixels,
                               or_image_t *out) {
  struct jpeg_decompress_struct jpeg = {0};
  jpeg_source_t source = {.max_pixels = max_pixels};
  jpeg.err = jpeg_std_error(&source.manager);
  source.manager.error_exit = jpeg_failed;
  source.manager.emit_message = jpeg_message;
  if (setjmp(source.jump) != 0) return or_error(OR_RESOURCE_EXHAUSTED, "JPEG: %s", source.error);
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, bytes, (unsigned long)length);
  or_status_t status = jpeg_decode(allocator, &jpeg, &source, out);
  jpeg_destroy_decompress(&jpeg);
  return status;
}
#else
static or_status_t decode_jpeg(const or_allocator_t *allocator, const void *bytes, size_t length, uint64_t max_pixels,
                               or_image_t *out) {
  (void)allocator, (void)bytes, (void)length, (void)max_pixels, (void)out;
  return or_error(OR_UNIMPLEMENTED, "JPEG: this build has no libjpeg; install its headers and build again");
}
#endif

or_status_t or_image_decode(const or_allocator_t *allocator, const void *bytes, size_t length, uint64_t max_pixels,
                            or_image_t *out) {
  static const uint8_t png_magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, jpeg_magic[3] = {0xff, 0xd8, 0xff};
  *out = (or_image_t){0};
  or_status_t status;
  if (length >= sizeof png_magic && memcmp(bytes, png_magic, sizeof png_magic) == 0) {
    status = decode_png(allocator, bytes, length, max_pixels, out);
  } else if (length >= sizeof jpeg_magic && memcmp(bytes, jpeg_magic, sizeof jpeg_magic) == 0) {
    status = decode_jpeg(allocator, bytes, length, max_pixels, out);
  } else {
    status = or_error(OR_UNIMPLEMENTED, "neither a PNG nor a JPEG file; convert the picture to one of them");
  }
  if (!or_ok(status)) {
    or_free(allocator, out->rgba);
    *out = (or_image_t){0};
  }
  return status;
}
