/* Kahn's algorithm with a heap on the place in the file: a graph that is in order already stays as it is (Kahn,
 * "Topological sorting of large networks", 1962). */
#include <string.h>

#include "base/string.h"
#include "graph/graph.h"

typedef struct sort_t {
  or_graph_t *graph;
  uint32_t *producers;    /* node of each value, UINT32_MAX: none */
  uint32_t *first_reader; /* of each node: its slice of `readers`; node_count + 1 entries */
  uint32_t *readers;      /* nodes that wait for a node, once an input */
  uint32_t *waits;        /* inputs of each node that are not there yet */
  uint32_t *heap;         /* nodes that are ready, smallest first */
  size_t heap_count;
  or_node_t *sorted;
  size_t sorted_count;
} sort_t;

static or_status_t find_producers(sort_t *sort);
static or_status_t check_inputs(const sort_t *sort);
static or_status_t find_readers(sort_t *sort);
static or_status_t order_nodes(sort_t *sort);
static or_status_t cycle_error(const sort_t *sort);
static void push(sort_t *sort, uint32_t node);
static uint32_t pop(sort_t *sort);

or_status_t or_graph_sort(or_graph_t *graph) {
  sort_t sort = {.graph = graph};
  const or_allocator_t *allocator = graph->allocator;
  or_status_t status = or_alloc_array(allocator, graph->value_count, sizeof(uint32_t), (void **)&sort.producers);
  if (or_ok(status))
    status = or_alloc_array(allocator, graph->node_count + 1, sizeof(uint32_t), (void **)&sort.first_reader);
  if (or_ok(status)) status = or_alloc_array(allocator, graph->node_count, sizeof(uint32_t), (void **)&sort.waits);
  if (or_ok(status)) status = or_alloc_array(allocator, graph->node_count, sizeof(uint32_t), (void **)&sort.heap);
  if (or_ok(status)) status = or_alloc_array(allocator, graph->node_count, sizeof(or_node_t), (void **)&sort.sorted);
  if (or_ok(status)) status = find_producers(&sort);
  if (or_ok(status)) status = check_inputs(&sort);
  if (or_ok(status)) status = find_readers(&sort);
  if (or_ok(status)) status = order_nodes(&sort);
  if (or_ok(status) && graph->node_count > 0) memcpy(graph->nodes, sort.sorted, graph->node_count * sizeof(or_node_t));
  void *const arrays[] = {sort.producers, sort.first_reader, sort.readers, sort.waits, sort.heap, sort.sorted};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) or_free(allocator, arrays[i]);
  return status;
}

static or_status_t find_producers(sort_t *sort) {
  const or_graph_t *graph = sort->graph;
  char label[256], other[256];
  memset(sort->producers, 0xff, graph->value_count * sizeof(uint32_t));
  for (uint32_t n = 0; n < graph->node_count; ++n) {
    const or_node_t *node = &graph->nodes[n];
    for (uint32_t i = 0; i < node->output_count; ++i) {
      or_value_id_t v = node->outputs[i];
      if (v == OR_NO_VALUE) continue;
      if (sort->producers[v] != UINT32_MAX) {
        return or_error(OR_INVALID_ARGUMENT, "node %s: output \"%s\" is already produced by node %s",
                        or_graph_node_label(node, label, sizeof label), graph->values[v].name,
                        or_graph_node_label(&graph->nodes[sort->producers[v]], other, sizeof other));
      }
      if (graph->values[v].constant != NULL) {
        return or_error(OR_INVALID_ARGUMENT, "node %s: output \"%s\" is an initializer too",
                        or_graph_node_label(node, label, sizeof label), graph->values[v].name);
      }
      sort->producers[v] = n;
    }
  }
  for (size_t i = 0; i < graph->input_count; ++i) {
    uint32_t n = sort->producers[graph->inputs[i]];
    if (n == UINT32_MAX) continue;
    return or_error(OR_INVALID_ARGUMENT, "node %s: output \"%s\" is an input of the graph too",
                    or_graph_node_label(&graph->nodes[n], label, sizeof label), graph->values[graph->inputs[i]].name);
  }
  return or_status_success();
}

static or_status_t check_inputs(const sort_t *sort) {
  const or_graph_t *graph = sort->graph;
  char label[256];
  void *memory = NULL;
  or_status_t status = or_alloc_array(graph->allocator, graph->value_count, sizeof(bool), &memory);
  if (!or_ok(status)) return status;
  bool *there = memory;
  for (size_t v = 0; v < graph->value_count; ++v)
    there[v] = graph->values[v].constant != NULL || sort->producers[v] != UINT32_MAX;
  for (size_t i = 0; i < graph->input_count; ++i) there[graph->inputs[i]] = true;
  for (uint32_t n = 0; or_ok(status) && n < graph->node_count; ++n) {
    const or_node_t *node = &graph->nodes[n];
    for (uint32_t i = 0; or_ok(status) && i < node->input_count; ++i) {
      or_value_id_t v = node->inputs[i];
      if (v == OR_NO_VALUE || there[v]) continue;
      status = or_error(OR_INVALID_ARGUMENT,
                        "node %s: input \"%s\" is produced by no node, and is neither an input nor an initializer",
                        or_graph_node_label(node, label, sizeof label), graph->values[v].name);
    }
  }
  for (size_t i = 0; or_ok(status) && i < graph->output_count; ++i) {
    or_value_id_t v = graph->outputs[i];
    if (!there[v])
      status =
          or_error(OR_INVALID_ARGUMENT, "output \"%s\" of the graph is produced by no node", graph->values[v].name);
  }
  or_free(graph->allocator, memory);
  return status;
}

/* The nodes that read what each node produces, in one array with a slice a node. */
static or_status_t find_readers(sort_t *sort) {
  const or_graph_t *graph = sort->graph;
  size_t total = 0;
  for (int filling = 0; filling < 2; ++filling) {
    for (uint32_t n = 0; n < graph->node_count; ++n) {
      const or_node_t *node = &graph->nodes[n];
      for (uint32_t i = 0; i < node->input_count; ++i) {
        uint32_t producer = node->inputs[i] == OR_NO_VALUE ? UINT32_MAX : sort->producers[node->inputs[i]];
        if (producer == UINT32_MAX) continue;
        if (filling) {
          sort->readers[sort->first_reader[producer]++] = n;
        } else {
          ++sort->first_reader[producer];
          ++sort->waits[n];
          ++total;
        }
      }
    }
    if (filling) break;
    if (total >= UINT32_MAX)
      return or_error(OR_RESOURCE_EXHAUSTED, "graph \"%s\" has more than %u edges", graph->name, UINT32_MAX - 1);
    or_status_t status = or_alloc_array(graph->allocator, total, sizeof(uint32_t), (void **)&sort->readers);
    if (!or_ok(status)) return status;
    for (uint32_t n = 0, sum = 0; n <= graph->node_count; ++n) { /* counts become the starts of the slices */
      uint32_t count = sort->first_reader[n];
      sort->first_reader[n] = sum;
      sum += count;
    }
  }
  /* Filling moved each start to its end, which is the next one's start. */
  memmove(sort->first_reader + 1, sort->first_reader, graph->node_count * sizeof(uint32_t));
  sort->first_reader[0] = 0;
  return or_status_success();
}

static or_status_t order_nodes(sort_t *sort) {
  const or_graph_t *graph = sort->graph;
  for (uint32_t n = 0; n < graph->node_count; ++n) {
    if (sort->waits[n] == 0) push(sort, n);
  }
  while (sort->heap_count > 0) {
    uint32_t n = pop(sort);
    sort->sorted[sort->sorted_count++] = graph->nodes[n];
    for (uint32_t r = sort->first_reader[n]; r < sort->first_reader[n + 1]; ++r) {
      if (--sort->waits[sort->readers[r]] == 0) push(sort, sort->readers[r]);
    }
  }
  return sort->sorted_count == graph->node_count ? or_status_success() : cycle_error(sort);
}

/* Walking back from a node that waits, over inputs whose producers wait too, ends on a cycle after at most as many
 * steps as there are nodes. */
static or_status_t cycle_error(const sort_t *sort) {
  const or_graph_t *graph = sort->graph;
  char label[256], other[256];
  uint32_t at = 0;
  while (sort->waits[at] == 0) ++at;
  uint32_t before = at;
  for (size_t step = 0; step <= graph->node_count; ++step) {
    const or_node_t *node = &graph->nodes[at];
    for (uint32_t i = 0; i < node->input_count; ++i) {
      uint32_t producer = node->inputs[i] == OR_NO_VALUE ? UINT32_MAX : sort->producers[node->inputs[i]];
      if (producer == UINT32_MAX || sort->waits[producer] == 0) continue;
      before = at;
      at = producer;
      break;
    }
  }
  return or_error(OR_INVALID_ARGUMENT,
                  "the graph has a cycle: node %s needs, through others or directly, what it gives to node %s",
                  or_graph_node_label(&graph->nodes[at], label, sizeof label),
                  or_graph_node_label(&graph->nodes[before], other, sizeof other));
}

static void push(sort_t *sort, uint32_t node) {
  size_t at = sort->heap_count++;
  for (; at > 0 && sort->heap[(at - 1) / 2] > node; at = (at - 1) / 2) sort->heap[at] = sort->heap[(at - 1) / 2];
  sort->heap[at] = node;
}

static uint32_t pop(sort_t *sort) {
  uint32_t smallest = sort->heap[0];
  uint32_t last = sort->heap[--sort->heap_count];
  size_t at = 0;
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= sort->heap_count) break;
    if (child + 1 < sort->heap_count && sort->heap[child + 1] < sort->heap[child]) ++child;
    if (sort->heap[child] >= last) break;
    sort->heap[at] = sort->heap[child];
    at = child;
  }
  sort->heap[at] = last;
  return smallest;
}
