/* WebSocket frames, in pieces whose size the first byte says; its highest bit: of a server. */
#include "base/string.h"
#include "base/ws_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  or_ws_reader_t reader;
  if (size < 2) return 0;
  size_t step = (size_t)data[0] % 64 + 1, at = 1;
  int code = 0;
  or_ws_reader_init(&reader, or_allocator_system(), 2048, (data[0] & 0x80) != 0 ? OR_WS_SERVER : OR_WS_CLIENT);
  while (at < size && code == 0) {
    or_ws_event_t event;
    size_t consumed = 0, piece = size - at < step ? size - at : step;
    code = or_ws_read(&reader, (const char *)data + at, piece, &consumed, &event);
    if (consumed > piece || (consumed == 0 && code == 0)) __builtin_trap();
    at += consumed;
    if (code != 0) break;
    if (event.kind == OR_WS_MESSAGE && event.opcode == OR_WS_TEXT && !or_utf8_valid(event.data, event.length))
      __builtin_trap();
    if (event.kind == OR_WS_MESSAGE && event.length > 2048) __builtin_trap();
    if (event.kind == OR_WS_CONTROL && event.opcode == OR_WS_CLOSE) (void)or_ws_close_code(event.data, event.length);
  }
  or_ws_reader_deinit(&reader);
  return 0;
}
