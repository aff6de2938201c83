#ifndef OR_MODEL_TOKENIZER_TOKENIZER_INTERNAL_H
#define OR_MODEL_TOKENIZER_TOKENIZER_INTERNAL_H
/* A tokenizer's insides, for the files of this folder. */

#include "base/json.h"
#include "base/thread.h"
#include "model/tokenizer/added.h"
#include "model/tokenizer/normalize.h"
#include "model/tokenizer/split.h"
#include "model/tokenizer/words.h"

/* What surrounds the texts: pieces in a row. */
typedef enum or_piece_kind_t { OR_PIECE_FIRST, OR_PIECE_SECOND, OR_PIECE_SPECIAL } or_piece_kind_t;
typedef struct or_template_piece_t {
  or_piece_kind_t kind;
  uint32_t id; /* SPECIAL */
  uint32_t type_id;
} or_template_piece_t;
typedef struct or_template_t {
  or_template_piece_t *pieces;
  size_t count, special_count;
} or_template_t;

typedef enum or_truncation_strategy_t { OR_LONGEST_FIRST, OR_ONLY_FIRST, OR_ONLY_SECOND } or_truncation_strategy_t;
typedef enum or_decoder_kind_t { OR_DECODE_JOIN, OR_DECODE_BYTES, OR_DECODE_WORDPIECE } or_decoder_kind_t;

/* Counted, immutable once loaded; everything lies in the arena. */
struct or_tokenizer_t {
  or_ref_t ref;
  const or_allocator_t *allocator;
  or_arena_t arena;
  or_vocabulary_t vocabulary; /* the model's tokens and the added ones */

  or_added_set_t added_plain;      /* looked for in the text as it comes */
  or_added_set_t added_normalized; /* looked for in the normalized text */
  or_added_token_t **added_by_id;  /* NULL: not an added one; id_limit of them */

  or_normalizer_t *normalizers;
  size_t normalizer_count;
  or_splitter_t *splitters;
  size_t splitter_count;
  bool byte_level;   /* words are bytes */
  bool prefix_space; /* a space before every piece that does not begin with one */

  bool is_bpe;
  or_wordpiece_t wordpiece;
  or_bpe_t bpe;

  or_template_t single, pair;
  bool trim_spans;        /* spans leave the white space of byte-level tokens out, */
  bool trim_keeps_prefix; /* but for the one space that the tokenizer put there itself */

  bool truncates, truncates_left;
  size_t max_length;
  or_truncation_strategy_t truncation;
  bool pads, pads_left;
  size_t pad_length, pad_multiple; /* 0: to the longest of a batch; 0 or 1: no multiple */
  uint32_t pad_id, pad_type_id;

  or_decoder_kind_t decoder;
  or_tokenizer_text_t decoder_prefix;
  bool decoder_cleanup;
};

/* A token of a text before the template: with what trimming of spans must know. */
#define OR_FROM_VOCABULARY UINT16_MAX
typedef struct or_found_token_t {
  uint32_t id;
  or_token_span_t span;
  uint16_t leading,
      trailing; /* characters of white space in an added token's text; OR_FROM_VOCABULARY: as its name says */
} or_found_token_t;
typedef struct or_found_t {
  or_found_token_t *tokens;
  size_t count, capacity;
  const char *text; /* the caller's, during the call */
} or_found_t;

/* Owned by one thread. */
struct or_tokenizer_encoder_t {
  or_tokenizer_t *tokenizer; /* retained */
  const or_allocator_t *allocator;
  or_normalizing_t normalizing;
  or_aligned_t prefixed;
  or_pieces_t pieces[2];
  or_parts_t parts;
  or_bpe_work_t bpe;
  or_word_cache_t cache;
  or_found_t found[2]; /* of the first and the second text */
  int64_t *ids, *type_ids, *mask;
  or_token_span_t *spans;
  size_t id_capacity, type_capacity, mask_capacity, span_capacity;
};

/* Parts of the load; each names its field in failures. */
or_status_t or_tokenizer_read_model(or_tokenizer_t *tokenizer, const or_json_value_t *root);
or_status_t or_tokenizer_read_normalizer(or_tokenizer_t *tokenizer, const or_json_value_t *value);
or_status_t or_tokenizer_read_splitters(or_tokenizer_t *tokenizer, const or_json_value_t *value);
or_status_t or_tokenizer_read_template(or_tokenizer_t *tokenizer, const or_json_value_t *value);
or_status_t or_tokenizer_read_added(or_tokenizer_t *tokenizer, const or_json_value_t *value);
or_status_t or_tokenizer_read_lengths(or_tokenizer_t *tokenizer, const or_json_value_t *root);
or_status_t or_tokenizer_read_decoder(or_tokenizer_t *tokenizer, const or_json_value_t *value);

/* What they share. Absent or null booleans are `fallback`; a text is copied into the arena. */
const char *or_tokenizer_type(const or_json_value_t *value); /* "type", or "" */
or_status_t or_tokenizer_read_bool(const or_json_value_t *object, const char *key, bool fallback, bool *out);
or_status_t or_tokenizer_read_text(or_tokenizer_t *tokenizer, const or_json_value_t *object, const char *key,
                                   or_tokenizer_text_t *out);
or_status_t or_tokenizer_read_id(const or_tokenizer_t *tokenizer, const or_json_value_t *value, const char *what,
                                 uint32_t *out);
or_status_t or_tokenizer_read_count(const or_json_value_t *object, const char *key, size_t limit, size_t *out);
or_status_t or_tokenizer_unsupported(const char *what, const char *type, const char *supported);

/* A text's tokens, into encoder->found[which]. */
or_status_t or_tokenizer_find(or_tokenizer_encoder_t *encoder, or_tokenizer_text_t text, bool plain, int which);
/* Cuts, surrounds and pads what was found. */
or_status_t or_tokenizer_assemble(or_tokenizer_encoder_t *encoder, bool has_pair, const or_tokenizer_options_t *options,
                                  or_encoding_t *out);

#endif
