/* The screen of `monitor`: text and the few escape sequences that every terminal of the last decades knows (ECMA-48).
 * What comes from a server is shown without its control characters. */
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/monitor.h"

#define BAR_CELLS 20

/* A screen in the making: nothing leaves its lines. */
typedef struct screen_t {
  or_text_t *out;
  const or_monitor_view_t *view;
  int column, row;
  or_status_t status; /* the first failure */
} screen_t;

typedef enum style_t { PLAIN, BOLD, DIM, GREEN, YELLOW, RED } style_t;

static void append(screen_t *screen, const char *bytes, size_t length) {
  if (or_ok(screen->status)) screen->status = or_text_append(screen->out, bytes, length);
}

static bool is_full(const screen_t *screen) { return screen->row >= screen->view->rows; }

static void style(screen_t *screen, style_t wanted) {
  static const char *const codes[] = {"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[31m"};
  if (screen->view->color && !is_full(screen)) append(screen, codes[wanted], strlen(codes[wanted]));
}

/* As much of the text as the line has room for, a character a cell. */
static void put_text(screen_t *screen, const char *text) {
  while (*text != '\0' && screen->column < screen->view->columns && !is_full(screen)) {
    const size_t bytes = or_utf8_character(text, strlen(text));
    const unsigned char first = (unsigned char)text[0];
    const bool control = first < 0x20 || first == 0x7f || (first == 0xc2 && (unsigned char)text[1] < 0xa0);
    const bool shown = bytes > 0 && !control && (bytes == 1 || screen->view->utf8);
    append(screen, shown ? text : "?", shown ? bytes : 1);
    text += bytes > 0 ? bytes : 1;
    ++screen->column;
  }
}

static void put(screen_t *screen, const char *format, ...) OR_PRINTF(2, 3);
static void put(screen_t *screen, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  put_text(screen, text);
}

static void end_line(screen_t *screen) {
  if (is_full(screen)) return;
  style(screen, PLAIN);
  append(screen, "\x1b[K", 3);
  if (++screen->row < screen->view->rows) append(screen, "\r\n", 2);
  screen->column = 0;
}

static void put_bar(screen_t *screen, double percent) {
  const int filled = isfinite(percent) ? (int)lround(fmin(fmax(percent, 0), 100) / 100 * BAR_CELLS) : 0;
  put(screen, "[");
  style(screen, percent >= 90 ? RED : percent >= 60 ? YELLOW : GREEN);
  for (int i = 0; i < BAR_CELLS; ++i) {
    if (i == filled) style(screen, DIM);
    put(screen, "%s", i < filled ? (screen->view->utf8 ? "█" : "#") : (screen->view->utf8 ? "░" : "."));
  }
  style(screen, PLAIN);
  put(screen, "]");
  if (isfinite(percent)) {
    put(screen, " %3.0f %%", percent);
  } else {
    put(screen, "   -  ");
  }
}

/* The newest samples, one a column, the newest at the right. */
static void put_sparkline(screen_t *screen, const or_monitor_device_t *device, int width) {
  static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static const char *const letters[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
  const size_t wanted = width > 0 ? (size_t)width : 0;
  size_t count = device->sample_count < OR_MONITOR_HISTORY ? device->sample_count : OR_MONITOR_HISTORY;
  if (count > wanted) count = wanted;
  for (size_t i = 0; i < count; ++i) {
    const double percent = device->history[(device->sample_count - count + i) % OR_MONITOR_HISTORY];
    const int level = isfinite(percent) ? (int)(fmin(fmax(percent, 0), 100) / 100 * 7.999) : -1;
    put(screen, "%s", level < 0 ? " " : screen->view->utf8 ? blocks[level] : letters[level]);
  }
}

static void draw_head(screen_t *screen, const or_monitor_t *monitor) {
  style(screen, BOLD);
  put(screen, "openruntime monitor");
  style(screen, PLAIN);
  put(screen, "  %s  %.19s", monitor->source, monitor->timestamp);
  end_line(screen);
  if (monitor->has_tasks) {
    put(screen, "tasks: %llu active, %llu completed, %llu failed, %llu cancelled", (unsigned long long)monitor->active,
        (unsigned long long)monitor->completed, (unsigned long long)monitor->failed,
        (unsigned long long)monitor->cancelled);
    if (isfinite(monitor->ended_per_second)) put(screen, ", %.1f/s", monitor->ended_per_second);
    end_line(screen);
  }
  if (monitor->trouble[0] != '\0') {
    style(screen, RED);
    put(screen, "%s", monitor->trouble);
    end_line(screen);
  }
  end_line(screen);
}

static void draw_device(screen_t *screen, const or_monitor_device_t *device) {
  char text[OR_CLI_NUMBER_BYTES];
  style(screen, BOLD);
  put(screen, "%s", device->id);
  style(screen, PLAIN);
  put(screen, "  %s", device->name);
  if (!device->is_available) {
    style(screen, RED);
    put(screen, "  not available");
  }
  end_line(screen);
  put(screen, "  use ");
  put_bar(screen, device->utilization_percent);
  put(screen, "  memory ");
  put_bar(screen, device->memory_percent);
  if (device->memory_total_bytes > 0)
    put(screen, " of %s", or_cli_bytes((uint64_t)device->memory_total_bytes, text, sizeof text));
  if (isfinite(device->temperature_celsius))
    put(screen, "  %.0f %sC", device->temperature_celsius, screen->view->utf8 ? "°" : "");
  if (isfinite(device->power_watts)) put(screen, "  %.0f W", device->power_watts);
  if (isfinite(device->gflops)) put(screen, "  %s", or_cli_rate(device->gflops * 1e9, "FLOP/s", text, sizeof text));
  if (isfinite(device->kernels)) put(screen, "  %.0f at work", device->kernels);
  end_line(screen);
  put(screen, "  ");
  style(screen, DIM);
  put_sparkline(screen, device, screen->view->columns - 4);
  end_line(screen);
}

static void draw_tasks(screen_t *screen, const or_monitor_t *monitor, int64_t now_ns) {
  end_line(screen);
  style(screen, BOLD);
  put(screen, "%-26s  %-12s  %-10s  %-9s  %8s  %9s", "TASK", "OPERATION", "DEVICE", "STATUS", "PROGRESS", "SECONDS");
  end_line(screen);
  const int room = screen->view->rows - screen->row - 2; /* the last line, and one that says how many more there are */
  const size_t shown = room <= 0 ? 0 : monitor->task_count < (size_t)room ? monitor->task_count : (size_t)room;
  for (size_t i = 0; i < shown; ++i) {
    const or_monitor_task_t *task = &monitor->tasks[i];
    put(screen, "%-26s  %-12s  %-10s  %-9s  %6.0f %%", task->id, task->operation, task->device, task->status,
        task->progress * 100);
    if (task->begun_ns != 0) put(screen, "  %9.1f", (double)(now_ns - task->begun_ns) * 1e-9);
    end_line(screen);
  }
  if (monitor->task_count > shown) {
    put(screen, "and %zu more", monitor->task_count - shown);
    end_line(screen);
  }
}

or_status_t or_monitor_draw(const or_monitor_t *monitor, const or_monitor_view_t *view, int64_t now_ns,
                            or_text_t *out) {
  screen_t screen = {.out = out, .view = view, .status = or_status_success()};
  append(&screen, "\x1b[H", 3);
  draw_head(&screen, monitor);
  for (size_t i = 0; i < monitor->device_count; ++i) draw_device(&screen, &monitor->devices[i]);
  if (monitor->has_tasks) draw_tasks(&screen, monitor, now_ns);
  while (screen.row + 1 < view->rows) end_line(&screen);
  style(&screen, DIM);
  put(&screen, "q leaves");
  end_line(&screen);
  return screen.status;
}

static void write_number(or_text_t *out, or_status_t *status, const char *name, double value, const char *unit) {
  if (isfinite(value) && or_ok(*status)) *status = or_text_printf(out, " %s=%.4g%s", name, value, unit);
}

or_status_t or_monitor_write_lines(const or_monitor_t *monitor, or_text_t *out) {
  or_status_t status = or_status_success();
  for (size_t i = 0; i < monitor->device_count && or_ok(status); ++i) {
    const or_monitor_device_t *device = &monitor->devices[i];
    status = or_text_printf(out, "%s %s", monitor->timestamp, device->id);
    write_number(out, &status, "use", device->utilization_percent, "%");
    write_number(out, &status, "memory", device->memory_percent, "%");
    write_number(out, &status, "temperature", device->temperature_celsius, "C");
    write_number(out, &status, "power", device->power_watts, "W");
    write_number(out, &status, "throughput", device->gflops, "GFLOP/s");
    write_number(out, &status, "kernels", device->kernels, "");
    if (monitor->has_tasks) {
      write_number(out, &status, "active_tasks", (double)monitor->active, "");
      write_number(out, &status, "ended", monitor->ended_per_second, "/s");
    }
    if (or_ok(status)) status = or_text_append(out, "\n", 1);
  }
  return status;
}
