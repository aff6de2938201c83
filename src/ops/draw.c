#include "ops/draw.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#if defined(__APPLE__)
#include <sys/random.h>
#else
#include <unistd.h>
#endif

#include "base/string.h"
#include "base/thread.h"

#define ROUNDS 10
#define FACTOR_0 UINT64_C(0xD2511F53)
#define FACTOR_1 UINT64_C(0xCD9E8D57)
#define STEP_0 0x9E3779B9u
#define STEP_1 0xBB67AE85u

or_status_t or_draw_begin(const or_op_call_t *call, or_draw_t *out) {
  const or_attribute_t *seed = or_op_attribute(call, "seed");
  if (seed == NULL) return or_draw_fresh(out);
  *out = (or_draw_t){.key = (uint64_t)seed->integer};
  if (seed->kind == OR_ATTRIBUTE_FLOAT) {
    double value = (double)seed->real;
    memcpy(&out->key, &value, sizeof value);
  }
  return or_status_success();
}

or_status_t or_draw_fresh(or_draw_t *out) {
  static or_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static uint64_t key, streams;
  int error = 0;
  or_mutex_lock(&lock);
  if (streams == 0 && getentropy(&key, sizeof key) != 0) {
    error = errno;
  } else {
    *out = (or_draw_t){.key = key, .stream = ++streams};
  }
  or_mutex_unlock(&lock);
  if (error == 0) return or_status_success();
  char words[128];
  return or_error(OR_UNAVAILABLE, "the system gives no random bytes: %s", or_errno_text(error, words, sizeof words));
}

bool or_draw_without_seed(const or_node_t *node) {
  for (uint32_t i = 0; i < node->attribute_count; ++i) {
    if (strcmp(node->attributes[i].name, "seed") == 0) return false;
  }
  return true;
}

void or_draw_block(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t a = counter[0], b = counter[1], c = counter[2], d = counter[3], k0 = key[0], k1 = key[1];
  for (int round = 0; round < ROUNDS; ++round) {
    uint64_t first = FACTOR_0 * a, second = FACTOR_1 * c;
    a = (uint32_t)(second >> 32) ^ b ^ k0;
    c = (uint32_t)(first >> 32) ^ d ^ k1;
    b = (uint32_t)second;
    d = (uint32_t)first;
    k0 += STEP_0;
    k1 += STEP_1;
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
}

/* 64 random bits for each position: a block has two. */
static void draw_words(const or_draw_t *draw, uint64_t first, size_t count, uint64_t *out) {
  const uint32_t key[2] = {(uint32_t)draw->key, (uint32_t)(draw->key >> 32)};
  size_t done = 0;
  while (done < count) {
    uint64_t at = first + done, block = at / 2;
    const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)draw->stream,
                                 (uint32_t)(draw->stream >> 32)};
    uint32_t bits[4];
    or_draw_block(counter, key, bits);
    if (at % 2 == 0) out[done++] = (uint64_t)bits[1] << 32 | bits[0];
    if (done < count) out[done++] = (uint64_t)bits[3] << 32 | bits[2];
  }
}

#define BLOCK 64

void or_draw_uniform(const or_draw_t *draw, uint64_t first, size_t count, double *out) {
  uint64_t words[BLOCK];
  for (size_t done = 0; done < count; done += BLOCK) {
    size_t part = count - done < BLOCK ? count - done : BLOCK;
    draw_words(draw, first + done, part, words);
    for (size_t i = 0; i < part; ++i) out[done + i] = (double)(words[i] >> 11) * 0x1p-53;
  }
}

void or_draw_normal(const or_draw_t *draw, uint64_t first, size_t count, double *out) {
  uint64_t words[BLOCK];
  for (size_t done = 0; done < count; done += BLOCK) {
    size_t part = count - done < BLOCK ? count - done : BLOCK;
    draw_words(draw, first + done, part, words);
    /* The middle of one of 2^52 equal parts of (0, 1), which a double holds exactly. */
    for (size_t i = 0; i < part; ++i)
      out[done + i] = or_draw_normal_quantile(((double)(words[i] >> 12) + 0.5) * 0x1p-52);
  }
}

/* ---- the quantile ---- */

#define TERMS 8
typedef struct ratio_t {
  double above[TERMS], below[TERMS]; /* highest power first */
} ratio_t;

/* In (0.425^2 - q^2), for p = q + 1/2. */
static const ratio_t central = {
    {2.5090809287301226727e+3, 3.3430575583588128105e+4, 6.7265770927008700853e+4, 4.5921953931549871457e+4,
     1.3731693765509461125e+4, 1.9715909503065514427e+3, 1.3314166789178437745e+2, 3.3871328727963666080e+0},
    {5.2264952788528545610e+3, 2.8729085735721942674e+4, 3.9307895800092710610e+4, 2.1213794301586595867e+4,
     5.3941960214247511077e+3, 6.8718700749205790830e+2, 4.2313330701600911252e+1, 1.0}};
/* In s - 1.6, for s = sqrt(-ln p) <= 5 ... */
static const ratio_t near = {
    {7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e+0,
     3.64784832476320460504e+0, 5.76949722146069140550e+0, 4.63033784615654529590e+0, 1.42343711074968357734e+0},
    {1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
     6.89767334985100004550e-1, 1.67638483018380384940e+0, 2.05319162663775882187e+0, 1.0}};
/* ... and in s - 5 beyond. */
static const ratio_t far = {
    {2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
     2.96560571828504891230e-1, 1.78482653991729133580e+0, 5.46378491116411436990e+0, 6.65790464350110377720e+0},
    {2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
     1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0}};

static double polynomial(const double *coefficients, double x) {
  double sum = coefficients[0];
  for (int i = 1; i < TERMS; ++i) sum = sum * x + coefficients[i];
  return sum;
}

static double quotient(const ratio_t *ratio, double x) {
  return polynomial(ratio->above, x) / polynomial(ratio->below, x);
}

/* The natural logarithm, of which libraries round the last bit differently: ln m 2^e = e ln 2 + 2 artanh((m - 1) / (m +
 * 1)), for m between sqrt(1/2) and sqrt(2) by its series. */
static double logarithm(double x) {
  const double ln_2_high = 0x1.62e42fee00000p-1, ln_2_low = 0x1.a39ef35793c76p-33;
  int exponent = 0;
  double m = frexp(x, &exponent);
  if (m < 0x1.6a09e667f3bcdp-1) {
    m *= 2;
    exponent -= 1;
  }
  double t = (m - 1) / (m + 1), square = t * t, series = 0;
  for (int odd = 23; odd >= 3; odd -= 2) series = (series + 1.0 / odd) * square;
  return exponent * ln_2_high + (exponent * ln_2_low + 2 * t * series + 2 * t);
}

double or_draw_normal_quantile(double p) {
  double q = p - 0.5;
  if (fabs(q) <= 0.425) return q * quotient(&central, 0.180625 - q * q);
  double s = sqrt(-logarithm(q < 0 ? p : 1 - p));
  double value = s <= 5 ? quotient(&near, s - 1.6) : quotient(&far, s - 5);
  return q < 0 ? -value : value;
}
