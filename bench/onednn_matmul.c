/* The peer oneDNN: fp32 matrix product with the weights reordered once into the layout that it asks for. */
#include <dnnl.h>
#include <math.h>

#include "worker.h"

#if DNNL_VERSION_MAJOR != 2
#error "This peer is written for oneDNN 2 (Debian 12)"
#endif

/* A prepared product. Memories own their bytes. */
typedef struct product_t {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_primitive_t primitive;
  dnnl_memory_t source, weights, result;
  dnnl_dim_t size;
} product_t;

static int prepare(void *self, const char *line, char *answer);
static int run(void *self, char *answer);

int main(void) {
  product_t product = {0};
  if (dnnl_engine_create(&product.engine, dnnl_cpu, 0) != dnnl_success ||
      dnnl_stream_create(&product.stream, product.engine, dnnl_stream_default_flags) != dnnl_success) {
    (void)printf("error oneDNN has no CPU engine\n");
    return 1;
  }
  const dnnl_version_t *version = dnnl_version();
  bench_worker_t worker = {&product, prepare, run};
  (void)printf("ok oneDNN %d.%d.%d\n", version->major, version->minor, version->patch);
  (void)fflush(stdout);
  return bench_serve(&worker);
}

static void release(product_t *product) {
  dnnl_primitive_destroy(product->primitive);
  dnnl_memory_destroy(product->source);
  dnnl_memory_destroy(product->weights);
  dnnl_memory_destroy(product->result);
  product->primitive = NULL;
  product->source = product->weights = product->result = NULL;
}

static float *elements(dnnl_memory_t memory) {
  void *data = NULL;
  return dnnl_memory_get_data_handle(memory, &data) == dnnl_success ? data : NULL;
}

static dnnl_status_t create(product_t *p, const dnnl_memory_desc_t *desc, dnnl_memory_t *out) {
  return dnnl_memory_create(out, desc, p->engine, DNNL_MEMORY_ALLOCATE);
}

/* From rows to the layout of `to`. */
static dnnl_status_t reorder(product_t *p, const dnnl_memory_desc_t *rows, dnnl_memory_t from,
                             const dnnl_memory_desc_t *packed, dnnl_memory_t to) {
  dnnl_primitive_desc_t desc = NULL;
  dnnl_primitive_t primitive = NULL;
  dnnl_status_t status = dnnl_reorder_primitive_desc_create(&desc, rows, p->engine, packed, p->engine, NULL);
  if (status == dnnl_success) status = dnnl_primitive_create(&primitive, desc);
  dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
  if (status == dnnl_success) status = dnnl_primitive_execute(primitive, p->stream, 2, arguments);
  if (status == dnnl_success) status = dnnl_stream_wait(p->stream);
  dnnl_primitive_destroy(primitive);
  dnnl_primitive_desc_destroy(desc);
  return status;
}

static dnnl_status_t pack_weights(product_t *p, const dnnl_memory_desc_t *rows, const dnnl_memory_desc_t *packed) {
  dnnl_memory_t plain = NULL;
  dnnl_status_t status = create(p, rows, &plain);
  for (size_t i = 0; status == dnnl_success && i < (size_t)(p->size * p->size); ++i)
    elements(plain)[i] = (float)bench_value(i, 1);
  if (status == dnnl_success) status = create(p, packed, &p->weights);
  if (status == dnnl_success) status = reorder(p, rows, plain, packed, p->weights);
  dnnl_memory_destroy(plain);
  return status;
}

static dnnl_status_t build(product_t *p) {
  dnnl_memory_desc_t rows, any;
  dnnl_matmul_desc_t desc;
  dnnl_primitive_desc_t primitive_desc = NULL;
  dnnl_dims_t dims = {p->size, p->size};
  dnnl_status_t status = dnnl_memory_desc_init_by_tag(&rows, 2, dims, dnnl_f32, dnnl_ab);
  if (status == dnnl_success) status = dnnl_memory_desc_init_by_tag(&any, 2, dims, dnnl_f32, dnnl_format_tag_any);
  if (status == dnnl_success) status = dnnl_matmul_desc_init(&desc, &rows, &any, NULL, &rows);
  if (status == dnnl_success) status = dnnl_primitive_desc_create(&primitive_desc, &desc, NULL, p->engine, NULL);
  if (status == dnnl_success) status = dnnl_primitive_create(&p->primitive, primitive_desc);
  if (status == dnnl_success)
    status = pack_weights(p, &rows, dnnl_primitive_desc_query_md(primitive_desc, dnnl_query_weights_md, 0));
  if (status == dnnl_success) status = create(p, &rows, &p->source);
  if (status == dnnl_success) status = create(p, &rows, &p->result);
  for (size_t i = 0; status == dnnl_success && i < (size_t)(p->size * p->size); ++i)
    elements(p->source)[i] = (float)bench_value(i, 0);
  dnnl_primitive_desc_destroy(primitive_desc);
  return status;
}

static int prepare(void *self, const char *line, char *answer) {
  product_t *p = self;
  long long size = 0;
  release(p);
  if (sscanf(line, "op matmul fp32 %lld", &size) != 1 || size <= 0) {
    (void)snprintf(answer, BENCH_TEXT_BYTES, "only op matmul fp32 SIZE");
    return 0;
  }
  p->size = size;
  dnnl_status_t status = build(p);
  if (status != dnnl_success) {
    (void)snprintf(answer, BENCH_TEXT_BYTES, "oneDNN status %d", (int)status);
    return 0;
  }
  if (!run(p, answer)) return 0;
  double sum = 0;
  for (size_t i = 0; i < (size_t)(p->size * p->size); ++i) sum += fabs((double)elements(p->result)[i]);
  (void)snprintf(answer, BENCH_TEXT_BYTES, "%.9e", sum);
  return 1;
}

static int run(void *self, char *answer) {
  product_t *p = self;
  dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, p->source}, {DNNL_ARG_WEIGHTS, p->weights}, {DNNL_ARG_DST, p->result}};
  dnnl_status_t status = dnnl_primitive_execute(p->primitive, p->stream, 3, arguments);
  if (status == dnnl_success) status = dnnl_stream_wait(p->stream);
  if (status == dnnl_success) return 1;
  (void)snprintf(answer, BENCH_TEXT_BYTES, "oneDNN status %d", (int)status);
  return 0;
}
