/* A peer of bench/server.py: the least that a server on libwebsockets can be. One thread on libuv, one answer of a
 * fixed text, its service buffer 64 KiB. Usage: server_websockets PORT */
#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static const char body[] = "{\"status\":\"healthy\",\"timestamp\":\"2026-01-31T12:00:00.123456+00:00\","
                           "\"version\":\"0.1.0\","
                           "\"devices\":1,\"mlx_available\":false,\"torch_available\":false}";

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
  unsigned char buffer[LWS_PRE + 1024], *start = buffer + LWS_PRE, *at = start, *end = buffer + sizeof buffer - 1;
  switch (reason) {
  case LWS_CALLBACK_HTTP:
    if (lws_add_http_common_headers(wsi, 200, "application/json", sizeof body - 1, &at, end) != 0) return 1;
    if (lws_finalize_write_http_header(wsi, start, &at, end) != 0) return 1;
    lws_callback_on_writable(wsi);
    return 0;
  case LWS_CALLBACK_HTTP_WRITEABLE:
    memcpy(start, body, sizeof body - 1);
    if (lws_write(wsi, start, sizeof body - 1, LWS_WRITE_HTTP_FINAL) != (int)sizeof body - 1) return 1;
    return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
  default: return lws_callback_http_dummy(wsi, reason, user, in, length);
  }
}

int main(int count, char **arguments) {
  static const struct lws_protocols protocols[] = {{.name = "http", .callback = on_event}, {.name = NULL}};
  struct lws_context_creation_info info;
  uv_loop_t loop;
  void *loops[1] = {&loop};
  if (count != 2 || uv_loop_init(&loop) != 0) return 2;
  memset(&info, 0, sizeof info);
  info.port = (int)strtol(arguments[1], NULL, 10);
  info.protocols = protocols;
  info.options = LWS_SERVER_OPTION_LIBUV;
  info.foreign_loops = loops;
  info.pt_serv_buf_size = 65536;
  info.keepalive_timeout = 60;
  lws_set_log_level(LLL_ERR, NULL);
  if (lws_create_context(&info) == NULL) return 1;
  return uv_run(&loop, UV_RUN_DEFAULT);
}
