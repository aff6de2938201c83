/* Commands by --url, against a server that says what the test told it to. */
#include "cli/cli_test_internal.h"
#include "fake/peer.h"
#include "or_config.h"

#if OR_HAVE_CURL
static or_peer_t peer;
static char answers[OR_PEER_MAX][4096], url[64];

/* The next answer; `body` is JSON. */
static void answer(int status, const char *body) {
  char *text = answers[peer.count];
  or_format(text, sizeof answers[0], "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body), body);
  peer.answers[peer.count++] = text;
}

static void forget_answers(void) { peer = (or_peer_t){.count = 0}; }

/* Runs "--url URL words…" against the answers, which are forgotten then; its exit code. */
static int ask_words(const char *const *words) {
  const char *all[64] = {"--url", url};
  size_t count = 2;
  for (; *words != NULL; ++words) all[count++] = *words;
  expect_ok(or_peer_start(&peer, NULL));
  or_format(url, sizeof url, "127.0.0.1:%d", peer.port);
  (void)run_words(all);
  or_peer_stop(&peer);
  peer.count = 0;
  return exit_code;
}
#define ASK(...) ask_words((const char *const[]){__VA_ARGS__, NULL})

static void expect_asked(size_t index, const char *words) {
  if (strstr(peer.requests[index], words) == NULL) fail_msg("%s is not in %s", words, peer.requests[index]);
}

#define DEVICE                                                                                                   \
  "{\"id\":\"x_0\",\"name\":\"An X\",\"type\":\"x\",\"hardware_id\":\"host\",\"memory_total\":2048,"             \
  "\"memory_available\":null,\"compute_units\":3,\"is_available\":false,\"state\":\"lost\",\"reason\":\"gone\"," \
  "\"capabilities\":[\"fp32\",\"int8\"],\"driver_version\":\"7\",\"compute_capability\":null,\"clock\":null,"    \
  "\"clock_max\":2e9,\"cache_bytes\":[1024,0,0],\"current_metrics\":{\"temperature\":41.5,\"power_usage\":7}}"

static void shows_devices_of_a_server(void **state) {
  (void)state;
  forget_answers();
  answer(200, "{\"devices\":[" DEVICE "]}");
  assert_int_equal(ASK("devices"), OR_EXIT_OK);
  expect_out("x_0  An X  x     2.0 KiB      3  lost   fp32 int8");
  answer(200, "{\"devices\":[" DEVICE "]}");
  assert_int_equal(ASK("devices", "x"), OR_EXIT_OK); /* a type */
  expect_out("id                   x_0\n");
  answer(200, "{\"devices\":[" DEVICE "]}");
  answer(200, DEVICE);
  assert_int_equal(ASK("devices", "x 0"), OR_EXIT_OK);
  expect_asked(1, "GET /devices/x%200 HTTP/1.1");
  expect_out("reason               gone\n");
  expect_out("L1 cache             1.0 KiB\n");
  expect_out("temperature          41.5 \xc2\xb0"
             "C\n");
  assert_null(strstr(out, "L2 cache"));
  assert_null(strstr(out, "memory available"));
}

static void shows_the_state_of_a_server(void **state) {
  static const char about[] = "{\"version\":\"9\",\"details\":\"9 +x\",\"status\":\"running\",\"active_tasks\":2,"
                              "\"uptime_seconds\":93784,\"backend_details\":[{\"name\":\"x\",\"usable\":false,"
                              "\"devices\":0,\"detail\":\"no libx\",\"advice\":\"install libx\"}]}";
  (void)state;
  forget_answers();
  answer(200, about);
  answer(200, "{\"devices\":[" DEVICE "]}");
  answer(200, "{\"models\":[{\"state\":\"ready\"},{\"state\":\"available\"}]}");
  assert_int_equal(ASK("status"), OR_EXIT_OK);
  expect_out("running for 1 d 2 h, 2 tasks at work, 1 models loaded\n");
  expect_out("backend x: no libx\n  to mend it: install libx\n");
  expect_out("device x_0: An X, 3 units, 2.0 KiB, lost\n");
  answer(200, about);
  answer(200, "{\"devices\":[]}");
  answer(403, "{\"detail\":\"no\",\"error_code\":\"permission_denied\"}");
  assert_int_equal(ASK("--json", "status"), OR_EXIT_OK);
  expect_out("\"models\": null");
}

#define RESPONSE(status, result, rest)                                                                                \
  "{\"task_id\":\"t\",\"status\":\"" status "\",\"result\":" result ",\"device_used\":\"x_0\",\"execution_time\":0.5" \
  "," rest "}"
#define FAILED(status, code) \
  RESPONSE(status, "null", "\"error\":\"it broke\",\"error_code\":" code ",\"fallback_reason\":null")

static void a_task_is_sent_and_its_end_is_told(void **state) {
  (void)state;
  forget_answers();
  answer(200, RESPONSE("completed",
                       "{\"operation\":\"fft\",\"size\":8,\"dtype\":\"float32\",\"device\":\"x_0\",\"throughput\":2,"
                       "\"throughput_unit\":\"GFLOP/s\",\"execution_time\":1,\"iterations\":3}",
                       "\"error\":null,\"fallback_reason\":\"no y\""));
  assert_int_equal(ASK("-d", "y", "run", "-t", "fft", "-s", "8", "--priority", "3"), OR_EXIT_OK);
  expect_out("fft, size 8, float32, on x_0: 2.0 GFLOP/s in 1.00 s (median of 3");
  expect_asked(0, "\"device_preference\":\"y\"");
  expect_asked(0, "\"priority\":3");
  expect_asked(0, "\"data\":{\"type\":\"fft\",\"size\":8}}");
  answer(200, FAILED("failed", "\"device_lost\""));
  assert_int_equal(ASK("run"), OR_EXIT_FAILED);
  expect_err("it broke");
  answer(200, FAILED("failed", "null"));
  assert_int_equal(ASK("run"), OR_EXIT_FAILED);
  answer(200, FAILED("timeout", "\"deadline_exceeded\""));
  assert_int_equal(ASK("--json", "run"), OR_EXIT_FAILED);
  expect_out("\"status\": \"timeout\"");
  answer(200, FAILED("cancelled", "\"cancelled\""));
  assert_int_equal(ASK("run"), OR_EXIT_INTERRUPTED);
  answer(202, "{\"task_id\":\"t\",\"status\":\"pending\"}");
  assert_int_equal(ASK("run", "--async"), OR_EXIT_OK);
  assert_string_equal(out, "t\n");
  expect_asked(0, "Prefer: respond-async");
  answer(202, "{\"task_id\":\"t\",\"status\":\"pending\"}");
  assert_int_equal(ASK("--json", "run", "--async"), OR_EXIT_OK);
  expect_json();
  answer(200, "no json");
  assert_int_equal(ASK("run"), OR_EXIT_FAILED);
  expect_err("is that an OpenRuntime server?");
  answer(200, "{}");
  assert_int_equal(ASK("run"), OR_EXIT_FAILED);
  expect_err("the answer is no TaskResponse");
}

static void a_benchmark_has_its_own_route(void **state) {
  static const char done[] = RESPONSE("completed",
                                      "{\"device\":\"x_0\",\"results\":{\"compute\":[{\"dtype\":\"int8\","
                                      "\"size\":7,\"gflops\":1.5,\"runs\":5}]}}",
                                      "\"error\":null,\"fallback_reason\":\"no y\"");
  (void)state;
  forget_answers();
  answer(200, done);
  assert_int_equal(ASK("-d", "x 0", "benchmark", "-t", "compute", "--sizes", "7", "--duration", "0.5"), OR_EXIT_OK);
  expect_asked(0, "POST /benchmark?device_id=x%200 HTTP/1.1");
  expect_asked(0, "\r\n\r\n{\"type\":\"compute\",\"duration\":0.5,\"sizes\":[7]}");
  expect_out("int8      7      1.5");
  expect_err("openruntime: ran on x_0: no y\n");
  answer(200, done);
  assert_int_equal(ASK("-d", "auto", "--json", "benchmark"), OR_EXIT_OK);
  expect_asked(0, "POST /benchmark HTTP/1.1");
  expect_out("\"results\"");
  answer(404, "{\"detail\":\"no device \\\"y\\\"\",\"error_code\":\"not_found\"}");
  assert_int_equal(ASK("-d", "y", "benchmark"), OR_EXIT_FAILED);
  expect_err("no device \"y\"");
  answer(200, done);
  assert_int_equal(ASK("--strict", "-d", "x_0", "benchmark", "-t", "ml", "--duration", "400"), OR_EXIT_OK);
  expect_asked(0, "POST /tasks HTTP/1.1");
  expect_asked(0, "\"device_preference\":\"x_0\",\"strict_device\":true,\"timeout\":800,\"data\":{\"type\":\"ml\"");
  answer(409, "{\"detail\":\"under 99 %\",\"error_code\":\"failed_precondition\"}");
  assert_int_equal(ASK("--strict", "-d", "x_0", "benchmark"), OR_EXIT_FAILED);
  expect_err("under 99 %");
}

static void pull(void *token) { or_cancel_request(token); }

static void interrupted_it_cancels_the_task(void **state) {
  (void)state;
  forget_answers();
  peer.answers[peer.count++] = or_peer_holds;
  answer(200, "{}");
  peer.asked = pull, peer.asked_self = &cli.cancel;
  assert_int_equal(ASK("run"), OR_EXIT_INTERRUPTED);
  expect_asked(1, "DELETE /tasks/");
}

static void inputs_go_and_outputs_come(void **state) {
  static const char tensor[] = "{\"shape\":[2],\"dtype\":\"float32\",\"data\":[1,2]}";
  (void)state;
  forget_answers();
  write_file("x.json", tensor, sizeof tensor - 1);
  char input[128], output[128];
  or_format(input, sizeof input, "x=%s", in_folder("x.json"));
  or_format(output, sizeof output, "%s", in_folder("out"));
  answer(200, RESPONSE("completed",
                       "{\"model\":\"m\",\"outputs\":{\"y\":{\"shape\":[2],\"dtype\":\"float32\",\"data\":[3,4]}}}",
                       "\"error\":null"));
  assert_int_equal(ASK("infer", "m", "-i", input, "--output", output), OR_EXIT_OK);
  expect_asked(0, "Content-Type: multipart/form-data; boundary=");
  expect_asked(0, "Accept: multipart/form-data, application/json\r\n");
  expect_asked(0, "\"inputs\":{\"x\":{\"shape\":[2],\"dtype\":\"float32\",\"part\":\"input0\"}}");
  expect_asked(0, "name=\"input0\"\r\nContent-Type: application/octet-stream\r\n\r\n");
  expect_out("y       float32  [2]        8");
  assert_int_equal(access(in_folder("out/y.npy"), R_OK), 0);
  answer(200, RESPONSE("completed", "{\"model\":\"m\"}", "\"error\":null"));
  assert_int_equal(ASK("infer", "m", "--output", output), OR_EXIT_FAILED);
  expect_err("give --input, --image or --text");
  answer(200, RESPONSE("completed", "{\"outputs\":{\"y\":{\"shape\":[2],\"dtype\":\"no\",\"data\":[3]}}}",
                       "\"error\":null"));
  assert_int_equal(ASK("infer", "m"), OR_EXIT_USAGE);
  expect_err("output \"y\"");
}

/* The next answer, in parts: the response and 8 bytes. */
static void answer_parts(const char *name, const char *response) {
  char *text = answers[peer.count], body[2048];
  or_format(body, sizeof body,
            "--b\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n"
            "--b\r\nContent-Disposition: form-data; name=\"p\"\r\n\r\n..b12345\r\n--b--\r\n",
            name, response);
  or_format(text, sizeof answers[0],
            "HTTP/1.1 200 X\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: %zu\r\n\r\n%s",
            strlen(body), body);
  peer.answers[peer.count++] = text;
}

#define PARTED(fields) \
  RESPONSE("completed", "{\"model\":\"m\",\"outputs\":{\"y\":{\"dtype\":\"uint8\"," fields "}}}", "\"error\":null")

static void outputs_come_as_parts(void **state) {
  char bytes[256], *content = NULL;
  size_t length = 0;
  (void)state;
  forget_answers();
  answer_parts("response", PARTED("\"shape\":[8],\"part\":\"p\""));
  assert_int_equal(ASK("infer", "m", "--output", in_folder("out")), OR_EXIT_OK);
  expect_out("y       uint8  [8]        8");
  expect_ok(or_file_read(or_allocator_system(), in_folder("out/y.npy"), sizeof bytes, &content, &length));
  assert_memory_equal(content + length - 8, "..b12345", 8);
  or_free(or_allocator_system(), content);
  answer_parts("response", PARTED("\"shape\":[8],\"part\":\"q\""));
  assert_int_equal(ASK("infer", "m"), OR_EXIT_FAILED);
  expect_err("output \"y\": the answer has no part \"q\"");
  answer_parts("response", PARTED("\"shape\":[9],\"part\":\"p\""));
  assert_int_equal(ASK("infer", "m"), OR_EXIT_FAILED);
  expect_err("part \"p\" has 8 bytes; its dtype and shape take 9");
  answer_parts("response", PARTED("\"shape\":8,\"part\":\"p\""));
  assert_int_not_equal(ASK("infer", "m"), OR_EXIT_OK);
  answer_parts("other", "{}");
  assert_int_equal(ASK("infer", "m"), OR_EXIT_FAILED);
  expect_err("the server's answer has no part \"response\"");
}

static void lists_and_shows_tasks(void **state) {
  (void)state;
  forget_answers();
  answer(200,
         "{\"active_tasks\":[{\"task_id\":\"a\",\"operation\":\"compute\",\"status\":\"running\",\"device_id\":"
         "\"x_0\",\"running_time\":1.5,\"priority\":2}],\"tasks\":[{\"task_id\":\"b\",\"operation\":\"benchmark\","
         "\"status\":\"failed\",\"device_used\":\"x_1\",\"execution_time\":2},{\"task_id\":\"a\",\"status\":\"running\""
         ",\"device_id\":\"x_0\"},{\"task_id\":\"c\",\"operation\":\"compute\",\"status\":\"completed\",\"device_id\":"
         "\"x_0\",\"priority\":1,\"started_at\":\"2026-02-28T23:59:59.500000+00:00\",\"finished_at\":"
         "\"2026-03-01T00:00:01.750000+00:00\"}],\"next\":\"17\"}");
  assert_int_equal(ASK("tasks", "--status", "failed", "--limit", "5"), OR_EXIT_OK);
  expect_asked(0, "GET /tasks?status=failed&limit=5 ");
  expect_out("a   compute    running    x_0     1.50 s         2  -\n");
  expect_out("b   benchmark  failed     x_1     2.00 s         -  -\n");
  expect_out("c   compute    completed  x_0     2.25 s         1  2026-03-01T00:00:01\n");
  assert_null(strstr(strstr(out, "\na ") + 1, "\na ")); /* what is active stands there once */
  expect_err("--after 17");
  answer(200, "{\"active_tasks\":[]}");
  assert_int_equal(ASK("tasks"), OR_EXIT_OK);
  expect_err("no tasks");
  answer(200, "{\"task_id\":\"b\",\"status\":\"failed\",\"result\":{},\"attempts\":3,\"error\":\"it broke\","
              "\"execution_time\":2,\"device_used\":\"x_1\",\"created_at\":\"then\"}");
  assert_int_equal(ASK("tasks", "b"), OR_EXIT_OK);
  expect_out("attempts     3\nerror        it broke\ncreated      then\n");
  answer(200, "{\"task_id\":\"b\",\"status\":\"running\",\"progress\":0.25}");
  assert_int_equal(ASK("tasks", "b"), OR_EXIT_OK);
  expect_out("progress     25 %");
  answer(200, "{\"active_tasks\":[]}");
  assert_int_equal(ASK("tasks", "-o", "fft", "-d", "x_0", "--after", "17"), OR_EXIT_OK);
  expect_asked(0, "GET /tasks?operation=fft&device=x_0&after=17 ");
  answer(200, "{\"task_id\":\"b\",\"status\":\"removed\"}");
  assert_int_equal(ASK("tasks", "--cancel", "b"), OR_EXIT_OK);
  expect_asked(0, "DELETE /tasks/b ");
  expect_out("b: removed\n");
}

static void waits_for_a_task_and_changes_it(void **state) {
  (void)state;
  forget_answers();
  answer(200, "{\"task_id\":\"b\",\"status\":\"pending\",\"progress\":0}");
  assert_int_equal(ASK("tasks", "b", "--priority", "9"), OR_EXIT_OK);
  expect_asked(0, "PATCH /tasks/b ");
  expect_asked(0, "\r\n\r\n{\"priority\":9}");
  expect_out("status       pending\n");
  answer(200, "{\"task_id\":\"b\",\"status\":\"pending\",\"progress\":0}");
  answer(200, "{\"task_id\":\"b\",\"status\":\"running\",\"progress\":0.5}");
  answer(200, "{\"task_id\":\"b\",\"status\":\"completed\",\"result\":{}}");
  assert_int_equal(ASK("tasks", "b", "--wait", "--priority", "2"), OR_EXIT_OK);
  expect_asked(1, "GET /tasks/b ");
  expect_out("status       completed\n");
  answer(200, "{\"task_id\":\"b\",\"status\":\"failed\",\"result\":null}");
  assert_int_equal(ASK("--json", "tasks", "b", "--wait"), OR_EXIT_FAILED);
  expect_json();
  answer(404, "{\"detail\":\"no task\",\"error_code\":\"not_found\"}");
  assert_int_equal(ASK("tasks", "b", "--wait"), OR_EXIT_FAILED);
  answer(409, "{\"detail\":\"it runs\",\"error_code\":\"failed_precondition\"}");
  assert_int_equal(ASK("tasks", "b", "--wait", "--priority", "2"), OR_EXIT_FAILED);
  assert_int_equal(RUN("--url", "x", "tasks", "b", "--priority", "11"), OR_EXIT_USAGE);
  assert_int_equal(RUN("--url", "x", "tasks", "--wait"), OR_EXIT_USAGE);
  assert_int_equal(RUN("--url", "x", "tasks", "b", "--limit", "1"), OR_EXIT_USAGE);
}

static void the_kernels_of_a_server(void **state) {
  (void)state;
  forget_answers();
  write_file("saxpy.cu", "f(\"x\")", 6);
  answer(200, "{\"kernels\":[\"f\",\"g\"]}");
  assert_int_equal(ASK("kernels"), OR_EXIT_OK);
  expect_out("NAME\nf\ng\n");
  answer(200, "{\"status\":\"compiled\",\"kernel\":{\"name\":\"saxpy\",\"target_device\":\"x_0\",\"compile_time\":1,"
              "\"max_block\":64,"
              "\"log\":\"/tmp/a.cl:1:2: warning: "
              "w\",\"signature\":[{\"index\":0,\"name\":\"y\",\"type\":\"float*\",\"role\":\"buffer\","
              "\"dtype\":\"float32\",\"width\":1,\"writable\":true}]}}");
  assert_int_equal(ASK("-d", "x_0", "kernels", "compile", in_folder("saxpy.cu"), "--entry", "main"), OR_EXIT_OK);
  expect_asked(0, "POST /kernels/compile HTTP/1.1");
  expect_asked(0, "{\"name\":\"saxpy\",\"entry_point\":\"main\",\"parameters\":null,\"source_code\":\"f(\\\"x\\\")\","
                  "\"target_device\":\"x_0\"}");
  expect_out("saxpy: compiled for x_0 in 1.00 s, at most 64 work items a block\n"
             "#  NAME  TYPE    ROLE    DTYPE    WIDTH  OUTPUT\n"
             "0  y     float*  buffer  float32      1  written\n");
  expect_err("saxpy.cu:1:2: warning: w\n");
  answer(400,
         "{\"detail\":\"it is refused\",\"error_code\":\"invalid_argument\",\"log\":\"<source>:7:1: error: e\\nx\"}");
  assert_int_equal(ASK("kernels", "compile", in_folder("saxpy.cu"), "--set", "N=4", "--set", "FAST"), OR_EXIT_USAGE);
  expect_asked(0, "\"parameters\":{\"N\":\"4\",\"FAST\":\"1\"}");
  expect_err("saxpy.cu:7:1: error: e\nx\nopenruntime: it is refused");
  answer(
      200,
      RESPONSE("completed",
               "{\"operation\":\"kernel\",\"name\":\"f\",\"device\":\"x_0\",\"execution_time\":0.001,\"worker_time\":"
               "0.002,\"outputs\":{}}",
               "\"error\":null"));
  assert_int_equal(ASK("kernels", "run", "f", "--grid", "2,3", "--block", "4", "--arg", "7", "--arg", "0.5", "--arg",
                       "zeros:uint8:4x3", "--arg", "local:64", "--arg", "18446744073709551615", "--arg",
                       " -9223372036854775809", "--arg", "0x10"),
                   OR_EXIT_OK);
  expect_asked(0, "\"operation\":\"kernel\"");
  expect_asked(0,
               "\"grid\":[2,3],\"block\":[4],\"arguments\":[7,0.5,{\"shape\":[4,3],\"dtype\":\"uint8\",\"zeros\":true},"
               "{\"local_bytes\":64},18446744073709551615,-9223372036854775809,16]");
  expect_out("f on x_0: 1.00 ms (2.00 ms with all that is around it)\n");
  answer(200, "{\"name\":\"f\",\"status\":\"removed\"}");
  assert_int_equal(ASK("kernels", "remove", "f"), OR_EXIT_OK);
  expect_asked(0, "DELETE /kernels/f ");
  expect_out("f: removed\n");
  assert_int_equal(RUN("--url", "x", "kernels", "compile", in_folder("saxpy.cu"), "--name", "2x"), OR_EXIT_USAGE);
  assert_int_equal(RUN("--url", "x", "kernels", "compile", in_folder("saxpy.cu"), "--entry", "x y"), OR_EXIT_USAGE);
  assert_int_equal(RUN("--url", "x", "kernels", "compile", in_folder("absent.cu")), OR_EXIT_FAILED);
  assert_int_equal(RUN("--url", "x", "kernels", "list", "--name", "x"), OR_EXIT_USAGE);
  assert_int_equal(RUN("--url", "x", "kernels", "list", "x"), OR_EXIT_USAGE);
  assert_int_equal(RUN("--url", "x", "kernels", "remove"), OR_EXIT_USAGE);
  assert_int_equal(RUN("--url", "x", "kernels", "run", "f"), OR_EXIT_USAGE);
  answer(422, "{\"detail\":[{\"loc\":[\"body\",\"data\",\"arguments\",1],\"msg\":\"no\",\"type\":\"t\"}]}");
  assert_int_equal(ASK("kernels", "run", "f", "--grid", "1"), OR_EXIT_USAGE);
  expect_err("openruntime: data.arguments.1: no\n");
  static const char *const wrong[][2] = {{"--grid", "1,"},
                                         {"--grid", "1,2,3,4"},
                                         {"--block", "x"},
                                         {"--arg", "x"},
                                         {"--arg", "zeros:float9:1"},
                                         {"--arg", "zeros:int8:x"},
                                         {"--arg", "local:"},
                                         {"--arg", "1e999"},
                                         {"--arg", "-0x8000000000000001"},
                                         {"--arg", "00000000000000000000000x"},
                                         {"--entry", "f"},
                                         {"--name", "g"},
                                         {"--set", "N=1"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i)
    assert_int_equal(RUN("--url", "x", "kernels", "run", "f", "--grid", "1", wrong[i][0], wrong[i][1]), OR_EXIT_USAGE);
  assert_int_equal(RUN("--url", "x", "kernels", "run", in_folder("saxpy.cu"), "--grid", "1"), OR_EXIT_USAGE);
  assert_int_equal(RUN("--url", "x", "kernels", "build"), OR_EXIT_USAGE);
}

#define MODEL                                                                                                         \
  "{\"name\":\"m\",\"version\":\"2\",\"state\":\"ready\",\"device\":\"x_0\",\"weights\":\"synthetic\",\"precision\":" \
  "\"bfloat16\",\"bytes\":{\"weights\":2048},\"inputs\":[{\"name\":\"i\",\"dtype\":\"float32\",\"shape\":"            \
  "[\"n\",3,null],\"optional\":false}],\"outputs\":[{\"name\":\"o\",\"dtype\":\"float32\",\"shape\":null}]}"

static void the_models_of_a_server(void **state) {
  (void)state;
  forget_answers();
  answer(200, "{\"models\":[" MODEL ",{\"name\":\"f\",\"state\":\"available\",\"weights\":\"file\"}]}");
  assert_int_equal(ASK("models"), OR_EXIT_OK);
  expect_out("m     ready      x_0     2        (built in, synthetic weights)\n");
  expect_out("f     available  -       -        -\n");
  answer(200, MODEL);
  assert_int_equal(ASK("-d", "x_0", "models", "load", "m:2", "--precision", "bf16", "--keep-alive", "60"), OR_EXIT_OK);
  expect_asked(0, "POST /models/m:2/load HTTP/1.1");
  expect_asked(0, "{\"device\":\"x_0\",\"precision\":\"bf16\",\"keep_alive_s\":60}");
  expect_out("input    i: float32 [n,3,?]\n");
  answer(200, "{\"name\":\"m\",\"status\":\"removed\"}");
  assert_int_equal(ASK("models", "remove", "m"), OR_EXIT_OK);
  expect_out("m: removed\n");
  assert_int_equal(RUN("--url", "x", "models", "show"), OR_EXIT_USAGE);
  assert_int_equal(RUN("--url", "x", "models", "list", "y"), OR_EXIT_USAGE);
  assert_int_equal(RUN("--url", "x", "models", "pull", "y"), OR_EXIT_USAGE);
  assert_int_equal(RUN("--url", "x", "models", "load", "m", "--keep-alive", "y"), OR_EXIT_USAGE);
}

static void explains_what_a_server_explains(void **state) {
  static const char explanation[] =
      "{\"model\":\"m\",\"weights\":\"file\",\"nodes\":[{\"name\":\"n\",\"op\":\"Gemm\",\"device\":\"x_0\",\"kernel\":"
      "\"k\",\"reason\":null,\"shape\":[1,10],\"flops\":100.0,\"bytes\":50.0,\"seconds\":0.001,\"gflops\":1.5,"
      "\"bandwidth_gbps\":2.5,\"percent_of_peak\":12.0}],\"bytes\":{\"weights\":1024},\"graph\":\"g\",\"patterns\":"
      "{\"p\":2},\"precision\":\"bfloat16\",\"products\":4,\"narrow_products\":3,\"flops_on_device\":1.0,\"totals\":"
      "{\"node_seconds\":0.001,\"gflops\":1.5,\"percent_of_peak\":12.0,\"copies\":1,\"copied_bytes\":2048},"
      "\"crossings\":[{\"value\":\"v\",\"from\":\"x_0\",\"to\":\"y_0\",\"bytes\":2048,\"copied\":true,\"seconds\":0."
      "002},"
      "{\"value\":\"w\",\"from\":\"y_0\",\"to\":\"x_0\",\"bytes\":4096,\"copied\":false,\"seconds\":null}],\"state\":{"
      "\"appends\":true,\"bytes_per_"
      "token\":"
      "64,\"capacity\":256,\"bytes\":4096,\"ties\":[{\"output\":\"o\",\"input\":\"i\",\"grows\":2}]},\"seconds\":0."
      "002}";
  char trace[128];
  (void)state;
  forget_answers();
  or_format(trace, sizeof trace, "%s", in_folder("trace.json"));
  answer(200, explanation);
  assert_int_equal(
      ASK("explain", "m", "-b", "4", "--dim", "s=7", "--dim", "t=8", "--trace", trace, "--precision", "bf16"),
      OR_EXIT_OK);
  expect_asked(0, "GET /models/m/explain?batch=4&precision=bf16&dims=s%3D7%2Ct%3D8 ");
  expect_out("n     Gemm      x_0     k       [1,10]  1.00 ms      1.5   2.5   12.0 %");
  expect_out("patterns: 2 p\nprecision: bfloat16, 3 of 4 products\n");
  expect_out("time: 2.00 ms, of which nodes 50.0 %; 1.5 GFLOP/s, 12.0 % of the peak\n");
  expect_out("between devices: 1 copy a run, 2.0 KiB\n");
  expect_out("v      x_0   y_0  2.0 KiB  2.00 ms  copied\n");
  expect_out("w      y_0   x_0  4.0 KiB        -  shared\n");
  expect_out("o -> i, grows along dimension 2\n");
  assert_int_equal(access(trace, R_OK), 0);
  assert_int_equal(RUN("--url", "x", "--strict", "explain", "m"), OR_EXIT_USAGE);
}

static void tells_what_went_wrong(void **state) {
  (void)state;
  forget_answers();
  answer(422, "{\"detail\":[{\"loc\":[\"body\",\"\"],\"msg\":\"no JSON\"},{\"loc\":\"x\",\"msg\":\"y\"}]}");
  assert_int_equal(ASK("--json", "devices"), OR_EXIT_USAGE);
  expect_err("openruntime: body: no JSON\nopenruntime: x: y\n");
  expect_out("no JSON");
  answer(422, "{}");
  assert_int_equal(ASK("devices"), OR_EXIT_USAGE);
  expect_err("HTTP 422");
  answer(200, "<html>");
  assert_int_equal(ASK("devices"), OR_EXIT_FAILED);
  expect_err("is that an OpenRuntime server?");
  peer.answers[peer.count++] = or_peer_hangs_up;
  assert_int_equal(ASK("devices"), OR_EXIT_UNREACHABLE);
  peer.answers[peer.count++] = or_peer_hangs_up;
  assert_int_equal(ASK("docs"), OR_EXIT_UNREACHABLE);
  answer(200, "<html>");
  assert_int_equal(ASK("docs"), OR_EXIT_OK);
  expect_out("/docs\n");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(shows_devices_of_a_server),
      CASE(shows_the_state_of_a_server),
      CASE(a_task_is_sent_and_its_end_is_told),
      CASE(interrupted_it_cancels_the_task),
      CASE(inputs_go_and_outputs_come),
      CASE(outputs_come_as_parts),
      CASE(a_benchmark_has_its_own_route),
      CASE(lists_and_shows_tasks),
      CASE(waits_for_a_task_and_changes_it),
      CASE(the_kernels_of_a_server),
      CASE(the_models_of_a_server),
      CASE(explains_what_a_server_explains),
      CASE(tells_what_went_wrong),
  };
  (void)unsetenv("OPENRUNTIME_URL");
  (void)unsetenv("OPENRUNTIME_API_KEY");
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) { return 0; }
#endif
