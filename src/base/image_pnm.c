/* PNM: the portable bitmap, graymap and pixmap of Netpbm (its manual pages pbm, pgm and ppm). */
#include "base/alloc.h"
#include "base/image.h"

#define MAX_SAMPLE 65535u

typedef struct pnm_t {
  const uint8_t *next, *end;
  bool text; /* P1 to P3 */
  uint32_t channels, most;
  bool bitmap; /* 1 is black */
} pnm_t;

static or_status_t truncated(void) { return or_error(OR_DATA_LOSS, "PNM: the file ends too early"); }

static bool is_space(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

static void skip_space(pnm_t *pnm) {
  for (bool comment = false; pnm->next < pnm->end; ++pnm->next) {
    if (*pnm->next == '#') comment = true;
    if (*pnm->next == '\n' || *pnm->next == '\r') comment = false;
    if (!comment && !is_space(*pnm->next)) return;
  }
}

/* A decimal number up to `most`; a bitmap's samples may stand without space between them. */
static or_status_t read_number(pnm_t *pnm, uint32_t most, bool digit, uint32_t *out) {
  skip_space(pnm);
  uint32_t value = 0;
  const uint8_t *from = pnm->next;
  while (pnm->next < pnm->end && *pnm->next >= '0' && *pnm->next <= '9' && value <= most &&
         !(digit && pnm->next > from))
    value = value * 10 + (uint32_t)(*pnm->next++ - '0');
  if (pnm->next == from && pnm->next == pnm->end) return truncated();
  if (pnm->next == from || value > most)
    return or_error(OR_DATA_LOSS, "PNM: where a number up to %u must stand is something else", most);
  *out = value;
  return or_status_success();
}

static or_status_t read_header(pnm_t *pnm, uint32_t *width, uint32_t *height) {
  const uint32_t longest = INT32_MAX / 10;
  or_status_t status = read_number(pnm, longest, false, width);
  if (or_ok(status)) status = read_number(pnm, longest, false, height);
  pnm->most = 1;
  if (or_ok(status) && !pnm->bitmap) status = read_number(pnm, MAX_SAMPLE, false, &pnm->most);
  if (or_ok(status) && pnm->most == 0) status = or_error(OR_DATA_LOSS, "PNM: samples of at most 0");
  if (or_ok(status) && !pnm->text && (pnm->next == pnm->end || !is_space(*pnm->next++)))
    status = or_error(OR_DATA_LOSS, "PNM: no space behind the header");
  return status;
}

static or_status_t read_sample(pnm_t *pnm, uint32_t bit, uint32_t *out) {
  if (pnm->text) return read_number(pnm, pnm->most, pnm->bitmap, out);
  if (pnm->bitmap) {
    *out = (uint32_t)*pnm->next >> (7 - bit) & 1;
    if (bit == 7) ++pnm->next;
    return or_status_success();
  }
  *out = *pnm->next++;
  if (pnm->most > 255) *out = *out << 8 | *pnm->next++;
  if (*out > pnm->most) return or_error(OR_DATA_LOSS, "PNM: a sample of %u; the most is %u", *out, pnm->most);
  return or_status_success();
}

static or_status_t read_row(pnm_t *pnm, uint32_t width, uint8_t *rgba) {
  or_status_t status = or_status_success();
  for (uint32_t x = 0; or_ok(status) && x < width; ++x, rgba += 4) {
    for (uint32_t k = 0; or_ok(status) && k < pnm->channels; ++k) {
      uint32_t sample = 0;
      status = read_sample(pnm, x % 8, &sample);
      if (pnm->bitmap) sample = 1 - sample;
      rgba[k] = (uint8_t)((sample * 255 + pnm->most / 2) / pnm->most);
    }
    if (pnm->channels == 1) rgba[1] = rgba[2] = rgba[0];
    rgba[3] = 255;
  }
  if (pnm->bitmap && !pnm->text && width % 8 != 0) ++pnm->next; /* rows end on a byte */
  return status;
}

or_status_t or_image_decode_pnm(const or_allocator_t *allocator, const void *bytes, size_t length, uint64_t max_pixels,
                                or_image_t *out) {
  const uint8_t *p = bytes;
  uint32_t width = 0, height = 0;
  *out = (or_image_t){0};
  if (or_image_format(bytes, length) != OR_IMAGE_PNM) return or_error(OR_DATA_LOSS, "PNM: the file is none");
  pnm_t pnm = {.next = p + 2,
               .end = p + length,
               .text = p[1] <= '3',
               .channels = p[1] == '3' || p[1] == '6' ? 3 : 1,
               .bitmap = p[1] == '1' || p[1] == '4'};
  or_status_t status = read_header(&pnm, &width, &height);
  if (!or_ok(status)) return status;
  /* Looked at before anything is allocated: a sample takes a digit, a byte or two, or a bit. */
  uint64_t row = (uint64_t)width * pnm.channels * (pnm.most > 255 && !pnm.text ? 2 : 1);
  if (pnm.bitmap && !pnm.text) row = (row + 7) / 8;
  if (height > 0 && row > (uint64_t)(pnm.end - pnm.next) / height) return truncated();
  status = or_image_begin(allocator, width, height, max_pixels, out);
  for (uint32_t y = 0; or_ok(status) && y < height; ++y)
    status = read_row(&pnm, width, out->rgba + (size_t)y * width * 4);
  if (!or_ok(status)) {
    or_free(allocator, out->rgba);
    *out = (or_image_t){0};
  }
  return status;
}
