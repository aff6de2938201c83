/* A client for bench/server.py: keep-alive connections, one request at a time on each, every latency kept.
 *
 *   server_load PORT METHOD PATH BODY-FILE|- [HEADER...]
 *
 * reads commands from stdin, a line each, and answers each with a line of JSON:
 *   run CONNECTIONS SECONDS   requests by that many connections, opened before the clock starts
 *   burst CONNECTIONS COUNT   the same until so many are answered, after one on each connection that does not count
 *   idle COUNT                that many more connections, each used once, that then do nothing */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 256
#define MAX_SAMPLES ((size_t)8 << 20)
#define BUFFER_BYTES ((size_t)4 << 20)
#define TIMINGS 4

typedef struct client_t {
  int descriptor;
  char *in;
  size_t length;
  int64_t begun_ns;
} client_t;

static const char *const timing_names[TIMINGS] = {"parse", "queue", "run", "serialise"};
static client_t clients[MAX_CONNECTIONS];
static float *latencies_us, *added_us, *timings_ms[TIMINGS];
static size_t samples, timed[TIMINGS], added, good, refused, wrong;
static char *request;
static size_t request_length;
static int port;

static int64_t now_ns(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void *get(size_t bytes) {
  void *memory = malloc(bytes);
  if (memory == NULL) fail("memory");
  return memory;
}

static int dial(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  const struct linger reset = {.l_onoff = 1, .l_linger = 0}; /* no port stays behind */
  int yes = 1, descriptor = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
  (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  (void)setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  return descriptor;
}

static void send_all(int descriptor, const char *data, size_t length) {
  for (size_t at = 0; at < length;) {
    ssize_t count = send(descriptor, data + at, length - at, MSG_NOSIGNAL);
    if (count <= 0) fail("send");
    at += (size_t)count;
  }
}

static void ask(client_t *client) {
  client->length = 0;
  client->begun_ns = now_ns();
  send_all(client->descriptor, request, request_length);
}

static void keep_timings(const char *head, float latency) {
  const char *field = strcasestr(head, "\r\nServer-Timing:");
  if (field == NULL) return;
  const char *end = strstr(field + 2, "\r\n");
  for (size_t i = 0; i < TIMINGS; ++i) {
    char name[32];
    (void)snprintf(name, sizeof name, "%s;dur=", timing_names[i]);
    const char *at = strstr(field, name);
    if (at == NULL || at > end) continue;
    float ms = strtof(at + strlen(name), NULL);
    timings_ms[i][timed[i]++] = ms;
    if (i == 2) added_us[added++] = latency - 1000 * ms;
  }
}

/* True when the whole answer is there. */
static bool take(client_t *client) {
  ssize_t count = recv(client->descriptor, client->in + client->length, BUFFER_BYTES - 1 - client->length, 0);
  if (count <= 0) fail("recv");
  client->length += (size_t)count;
  client->in[client->length] = '\0';
  const char *body = strstr(client->in, "\r\n\r\n");
  if (body == NULL) return false;
  const char *field = strcasestr(client->in, "\r\nContent-Length:");
  if (field == NULL || field > body) {
    (void)fprintf(stderr, "no Content-Length in %.200s\n", client->in);
    exit(1);
  }
  return client->length >= (size_t)(body + 4 - client->in) + strtoul(field + 17, NULL, 10);
}

static void count_answer(client_t *client) {
  float latency = (float)(now_ns() - client->begun_ns) * 1e-3f;
  int status = (int)strtol(client->in + 9, NULL, 10);
  if (status == 429 || status == 503) {
    ++refused;
  } else if (status / 100 != 2) {
    if (wrong++ == 0) (void)fprintf(stderr, "%.500s\n", client->in);
  } else if (samples < MAX_SAMPLES) {
    latencies_us[samples++] = latency;
    ++good;
    keep_timings(client->in, latency);
  }
}

static int ascending(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static double quantile(float *values, size_t count, double q) {
  if (count == 0) return -1;
  qsort(values, count, sizeof *values, ascending);
  size_t at = (size_t)(q * (double)count);
  return (double)values[at < count ? at : count - 1];
}

/* One request on each. */
static void warm_up(size_t count) {
  for (size_t i = 0; i < count; ++i) ask(&clients[i]);
  for (size_t i = 0; i < count; ++i) {
    while (!take(&clients[i])) {
    }
  }
}

/* For so long, or until so many were asked. */
static void run(size_t count, double seconds, size_t most) {
  struct epoll_event events[MAX_CONNECTIONS];
  int epoll = epoll_create1(0);
  samples = good = refused = wrong = added = 0;
  memset(timed, 0, sizeof timed);
  for (size_t i = 0; i < count; ++i) {
    clients[i].descriptor = dial();
    if (clients[i].in == NULL) clients[i].in = get(BUFFER_BYTES);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].descriptor, &event) != 0) fail("epoll");
  }
  if (most < SIZE_MAX) warm_up(count);
  int64_t begun_ns = now_ns(), until_ns = begun_ns + (int64_t)(seconds * 1e9);
  size_t busy = count, asked = count;
  for (size_t i = 0; i < count; ++i) ask(&clients[i]);
  while (busy > 0) {
    int ready = epoll_wait(epoll, events, MAX_CONNECTIONS, -1);
    for (int i = 0; i < ready; ++i) {
      client_t *client = &clients[events[i].data.u32];
      if (!take(client)) continue;
      count_answer(client);
      if (now_ns() < until_ns && asked < most) {
        ++asked;
        ask(client);
      } else {
        --busy;
      }
    }
  }
  double took = (double)(now_ns() - begun_ns) * 1e-9;
  for (size_t i = 0; i < count; ++i) (void)close(clients[i].descriptor);
  (void)close(epoll);
  (void)printf("{\"good\":%zu,\"refused\":%zu,\"wrong\":%zu,\"rate\":%.1f,\"p50_us\":%.2f,\"p99_us\":%.2f,"
               "\"added_p50_us\":%.2f",
               good, refused, wrong, (double)good / took, quantile(latencies_us, samples, 0.5),
               quantile(latencies_us, samples, 0.99), quantile(added_us, added, 0.5));
  for (size_t i = 0; i < TIMINGS; ++i)
    (void)printf(",\"%s_p50_us\":%.2f", timing_names[i], 1e3 * quantile(timings_ms[i], timed[i], 0.5));
  (void)printf("}\n");
}

static void idle(size_t count) {
  client_t client = {.in = get(BUFFER_BYTES)};
  for (size_t i = 0; i < count; ++i) {
    client.descriptor = dial();
    ask(&client);
    while (!take(&client)) {
    }
  }
  free(client.in);
  (void)printf("{\"idle\":%zu}\n", count);
}

/* The request as it goes out, from the words of the command line. */
static void prepare(int argc, char **argv) {
  char *body = NULL;
  size_t body_length = 0, room = 4096;
  if (strcmp(argv[4], "-") != 0) {
    FILE *file = fopen(argv[4], "rb");
    if (file == NULL) fail(argv[4]);
    body = get(BUFFER_BYTES);
    body_length = fread(body, 1, BUFFER_BYTES, file);
    (void)fclose(file);
  }
  for (int i = 5; i < argc; ++i) room += strlen(argv[i]) + 2;
  room += strlen(argv[2]) + strlen(argv[3]);
  request = get(room + body_length + 1);
  size_t at = (size_t)snprintf(request, room, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", argv[2], argv[3]);
  for (int i = 5; i < argc; ++i) at += (size_t)snprintf(request + at, room - at, "%s\r\n", argv[i]);
  if (body != NULL)
    at += (size_t)snprintf(request + at, room - at, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                           body_length);
  at += (size_t)snprintf(request + at, room - at, "\r\n");
  if (body != NULL) memcpy(request + at, body, body_length);
  request_length = at + body_length;
  request[request_length] = '\0';
  free(body);
}

int main(int argc, char **argv) {
  char line[128];
  if (argc < 5) return 2;
  port = (int)strtol(argv[1], NULL, 10);
  latencies_us = get(MAX_SAMPLES * sizeof(float));
  added_us = get(MAX_SAMPLES * sizeof(float));
  for (size_t i = 0; i < TIMINGS; ++i) timings_ms[i] = get(MAX_SAMPLES * sizeof(float));
  prepare(argc, argv);
  while (fgets(line, sizeof line, stdin) != NULL) {
    size_t count = 0, most = 0;
    double seconds = 0;
    if (sscanf(line, "run %zu %lf", &count, &seconds) == 2 && count > 0 && count <= MAX_CONNECTIONS) {
      run(count, seconds, SIZE_MAX);
    } else if (sscanf(line, "burst %zu %zu", &count, &most) == 2 && count > 0 && count <= MAX_CONNECTIONS) {
      run(count, 3600, most);
    } else if (sscanf(line, "idle %zu", &count) == 1) {
      idle(count);
    } else {
      return 2;
    }
    (void)fflush(stdout);
  }
  return 0;
}
