#include "model/tokenizer/normal_form.h"

#include <string.h>

#include "base/unicode.h"

#define FEW_MARKS ((size_t)24) /* sorted by insertion; more, by counting, so that no text takes quadratic time */

static or_status_t append(const or_allocator_t *allocator, or_marks_t *marks, or_mark_t mark) {
  void *memory = marks->marks;
  or_status_t status = or_status_success();
  if (marks->count == marks->capacity) {
    status = or_grow_array(allocator, marks->count + 1, sizeof mark, &memory, &marks->capacity);
    marks->marks = memory;
  }
  if (or_ok(status)) marks->marks[marks->count++] = mark;
  return status;
}

/* Canonical order: by combining class, those of one class as they stood. */
static or_status_t sort(or_normal_form_t *form) {
  or_mark_t *marks = form->pending.marks;
  size_t count = form->pending.count;
  if (count <= FEW_MARKS) {
    for (size_t i = 1; i < count; ++i) {
      or_mark_t mark = marks[i];
      size_t to = i;
      for (; to > 0 && marks[to - 1].combining_class > mark.combining_class; --to) marks[to] = marks[to - 1];
      marks[to] = mark;
    }
    return or_status_success();
  }
  void *memory = form->sorted.marks;
  or_status_t status = or_grow_array(form->allocator, count, sizeof marks[0], &memory, &form->sorted.capacity);
  form->sorted.marks = memory;
  if (!or_ok(status)) return status;
  size_t places[257] = {0};
  for (size_t i = 0; i < count; ++i) ++places[marks[i].combining_class + 1];
  for (size_t class = 1; class < 257; ++class) places[class] += places[class - 1];
  for (size_t i = 0; i < count; ++i) form->sorted.marks[places[marks[i].combining_class]++] = marks[i];
  memcpy(marks, form->sorted.marks, count * sizeof marks[0]);
  return status;
}

static or_status_t emit_starter(or_normal_form_t *form, or_transform_t *out) {
  or_status_t status = or_status_success();
  if (form->has_starter) status = or_transform_emit(out, form->starter.code, form->starter.change);
  for (size_t i = 0; or_ok(status) && i < form->blocked.count; ++i)
    status = or_transform_emit(out, form->blocked.marks[i].code, form->blocked.marks[i].change);
  form->blocked.count = 0;
  form->has_starter = form->has_blocked = false;
  return status;
}

/* The canonical composition algorithm, section 3.11 of the Unicode standard: a mark composes with the starter unless
 * one of its class or a higher one stands between them. */
static or_status_t compose(or_normal_form_t *form, or_mark_t mark, or_transform_t *out) {
  uint8_t class = mark.combining_class;
  if (!form->has_starter) {
    if (class != 0) return or_transform_emit(out, mark.code, mark.change);
    form->starter = mark;
    form->has_starter = true;
    return or_status_success();
  }
  bool blocked = form->has_blocked && form->blocked.marks[form->blocked.count - 1].combining_class >= class;
  uint32_t composed = blocked ? 0 : or_unicode_compose(form->starter.code, mark.code);
  if (composed != 0) {
    form->starter.code = composed;
    form->starter.change += mark.change - 1;
    return or_status_success();
  }
  if (class == 0) {
    or_status_t status = emit_starter(form, out);
    form->starter = mark;
    form->has_starter = true;
    return status;
  }
  form->has_blocked = true;
  return append(form->allocator, &form->blocked, mark);
}

static or_status_t flush(or_normal_form_t *form, bool composing, or_transform_t *out) {
  or_status_t status = sort(form);
  for (size_t i = 0; or_ok(status) && i < form->pending.count; ++i) {
    or_mark_t mark = form->pending.marks[i];
    status = composing ? compose(form, mark, out) : or_transform_emit(out, mark.code, mark.change);
  }
  form->pending.count = 0;
  return status;
}

/* A starter ends what stood before it: nothing is sorted across it. */
static or_status_t take(or_normal_form_t *form, bool composing, uint32_t code, int change, or_transform_t *out) {
  uint8_t class = code < 0x80 ? 0 : or_unicode_record(code)->combining_class;
  or_status_t status = class == 0 && form->pending.count > 0 ? flush(form, composing, out) : or_status_success();
  if (or_ok(status)) status = append(form->allocator, &form->pending, (or_mark_t){code, change, class});
  return status;
}

or_status_t or_normal_form_apply(or_normal_form_t *form, bool compatible, bool composing, const or_aligned_t *from,
                                 or_aligned_t *to) {
  or_transform_t out = or_transform_begin(from, to);
  or_status_t status = or_aligned_reserve(to, from->length + 4);
  form->pending.count = form->blocked.count = 0;
  form->has_starter = form->has_blocked = false;
  size_t width = 0;
  for (size_t i = 0; or_ok(status) && i < from->length; i += width) {
    uint32_t parts[OR_UNICODE_DECOMPOSED_MAX], code = or_unicode_read(from->bytes + i, &width);
    size_t count = code < 0xA0 ? 0 : or_unicode_decompose(code, compatible, parts);
    if (count == 0) {
      status = take(form, composing, code, 0, &out);
    } else {
      for (size_t k = 0; or_ok(status) && k < count; ++k) status = take(form, composing, parts[k], k > 0, &out);
    }
  }
  if (or_ok(status)) status = flush(form, composing, &out);
  if (or_ok(status)) status = emit_starter(form, &out);
  return status;
}

void or_normal_form_deinit(or_normal_form_t *form) {
  or_free(form->allocator, form->pending.marks);
  or_free(form->allocator, form->sorted.marks);
  or_free(form->allocator, form->blocked.marks);
}
