/* What a backend says about its devices. */
#include <math.h>
#include <string.h>

#include "base/string.h"
#include "cts/cts.h"

static or_status_t facts_are_whole(cts_t *cts, const void *data) {
  (void)data;
  for (uint32_t i = 0; i < cts->rig.device_count; ++i) {
    const or_device_facts_t *facts = or_device_facts(cts->rig.devices[i]);
    char id[sizeof facts->id];
    (void)or_format(id, sizeof id, "%s_%u", cts->backend->name, i);
    CTS_CHECK(strcmp(facts->id, id) == 0, "device %u has the id \"%s\", not \"%s\"", i, facts->id, id);
    CTS_CHECK(strcmp(facts->type, cts->backend->name) == 0, "%s has the type \"%s\"", id, facts->type);
    CTS_CHECK(facts->hardware_id[0] != '\0' && facts->name[0] != '\0', "%s lacks its hardware or its name", id);
    CTS_CHECK(facts->capability_count <= OR_DEVICE_MAX_CAPABILITIES, "%s has too many capabilities", id);
    for (uint32_t k = 0; k < facts->capability_count; ++k) {
      CTS_CHECK(facts->capabilities[k] != NULL && facts->capabilities[k][0] != '\0', "%s: capability %u is empty", id,
                k);
    }
    CTS_CHECK(isnan(facts->clock_max_hz) || facts->clock_max_hz > 1e6, "%s: a clock of %g Hz", id, facts->clock_max_hz);
  }
  return or_status_success();
}

typedef struct seen_t {
  const cts_t *cts;
  uint32_t count;
  bool same;
} seen_t;

static or_status_t compare_facts(void *context, uint32_t index, const or_device_facts_t *facts) {
  seen_t *seen = context;
  if (index != seen->count || index >= seen->cts->rig.device_count) {
    seen->same = seen->same && seen->cts->rig.device_count == OR_RIG_MAX_DEVICES;
  } else {
    const or_device_facts_t *before = or_device_facts(seen->cts->rig.devices[index]);
    seen->same = seen->same && strcmp(before->id, facts->id) == 0 && strcmp(before->name, facts->name) == 0;
  }
  ++seen->count;
  return or_status_success();
}

static or_status_t enumerates_the_same_again(cts_t *cts, const void *data) {
  (void)data;
  seen_t seen = {.cts = cts, .same = true};
  CTS_TRY(cts->rig.backend.enumerate(cts->rig.backend.self, compare_facts, &seen));
  CTS_CHECK(seen.same && seen.count >= cts->rig.device_count, "the second enumeration found other devices");
  return or_status_success();
}

static or_status_t stop(void *context, uint32_t index, const or_device_facts_t *facts) {
  (void)index;
  (void)facts;
  ++*(int *)context;
  return or_error(OR_CANCELLED, "enough");
}

static or_status_t stops_when_told_to(cts_t *cts, const void *data) {
  (void)data;
  int calls = 0;
  CTS_TRY(cts_expect(cts->rig.backend.enumerate(cts->rig.backend.self, stop, &calls), OR_CANCELLED, "enumerate"));
  CTS_CHECK(calls == 1, "enumerate went on after a failure of its callback");
  return or_status_success();
}

static or_status_t describes_itself(cts_t *cts, const void *data) {
  (void)data;
  const char *detail = NULL, *advice = NULL;
  cts->rig.backend.describe(cts->rig.backend.self, &detail, &advice);
  CTS_CHECK(detail != NULL && detail[0] != '\0', "no detail");
  CTS_CHECK(strcmp(cts->rig.backend.name, cts->backend->name) == 0, "the backend calls itself \"%s\"",
            cts->rig.backend.name);
  return or_status_success();
}

static bool in_range(double value, double low, double high) { return isnan(value) || (value >= low && value <= high); }

static or_status_t samples_are_values_or_unknown(cts_t *cts, const void *data) {
  (void)data;
  or_device_sample_t sample;
  for (int round = 0; round < 2; ++round) CTS_TRY(or_device_sample(cts->device, &sample));
  CTS_CHECK(sample.wall_us > 0, "no time");
  CTS_CHECK(in_range(sample.utilization_percent, 0, 100), "utilisation %g %%", sample.utilization_percent);
  CTS_CHECK(in_range(sample.temperature_celsius, -50, 200), "temperature %g", sample.temperature_celsius);
  CTS_CHECK(in_range(sample.power_watts, 0, 1e5), "power %g W", sample.power_watts);
  CTS_CHECK(in_range(sample.clock_hz, 1e6, 1e11), "clock %g Hz", sample.clock_hz);
  CTS_CHECK(in_range(sample.energy_joules, 0, 1e15), "energy %g J", sample.energy_joules);
  return or_status_success();
}

static or_status_t peaks_are_positive_and_kept(cts_t *cts, const void *data) {
  (void)data;
  or_device_peaks_t peaks, again;
  if (cts->opened->measure_peaks == NULL) return cts_skip(cts, "the backend measures no peaks");
  CTS_TRY(or_device_measure_peaks(cts->device, &peaks));
  CTS_TRY(or_device_measure_peaks(cts->device, &again));
  const double values[] = {
      peaks.fp32_flops,           peaks.fp64_flops, peaks.bf16_flops, peaks.int8_ops, peaks.read_bytes_per_second,
      peaks.copy_bytes_per_second};
  for (size_t i = 0; i < sizeof values / sizeof *values; ++i)
    CTS_CHECK(in_range(values[i], 1e3, 1e18), "peak %zu is %g", i, values[i]);
  CTS_CHECK(!isnan(peaks.fp32_flops), "no fp32 peak");
  CTS_CHECK(again.fp32_flops == peaks.fp32_flops, "the second answer differs");
  return or_status_success();
}

static or_status_t opens_twice_at_once(cts_t *cts, const void *data) {
  (void)data;
  or_rig_t rig;
  const or_backend_device_t *opened = NULL;
  or_queue_t *queue = NULL;
  CTS_TRY(or_rig_open(&rig, cts->allocator, cts->backend->entry, &cts->options->settings));
  or_status_t status = or_device_open(rig.devices[0], &opened);
  if (or_ok(status)) status = or_queue_create(rig.devices[0], &queue);
  or_queue_release(queue);
  or_rig_close(&rig);
  return status;
}

void cts_suite_device(cts_t *cts) {
  cts_case(cts, "device/facts_are_whole", facts_are_whole, NULL);
  cts_case(cts, "device/enumerates_the_same_again", enumerates_the_same_again, NULL);
  cts_case(cts, "device/stops_when_told_to", stops_when_told_to, NULL);
  cts_case(cts, "device/describes_itself", describes_itself, NULL);
  cts_case(cts, "device/samples_are_values_or_unknown", samples_are_values_or_unknown, NULL);
  cts_case(cts, "device/peaks_are_positive_and_kept", peaks_are_positive_and_kept, NULL);
  cts_case(cts, "device/opens_twice_at_once", opens_twice_at_once, NULL);
}
