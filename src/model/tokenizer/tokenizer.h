#ifndef OR_MODEL_TOKENIZER_TOKENIZER_H
#define OR_MODEL_TOKENIZER_TOKENIZER_H
/* Text to token ids and back, as a Hugging Face tokenizer.json says. Ids, types and spans agree with the PyPI package
 * `tokenizers`. Components: models WordPiece and BPE; the rest stands in this folder's README. A component that is not
 * supported is refused by its name when the file is loaded. */

#include "base/string.h"

/* Bounds. An error names the value and the limit. */
#define OR_TOKENIZER_MAX_FILE_BYTES ((size_t)64 << 20)
#define OR_TOKENIZER_MAX_VOCABULARY ((size_t)1 << 20) /* entries of model.vocab; ids are below twice that */
#define OR_TOKENIZER_MAX_MERGES ((size_t)1 << 20)
#define OR_TOKENIZER_MAX_ADDED ((size_t)1 << 16)      /* entries of added_tokens */
#define OR_TOKENIZER_MAX_TOKEN_BYTES ((size_t)4096)   /* of a token, a pattern, a replacement */
#define OR_TOKENIZER_MAX_STEPS ((size_t)64)           /* normalizers, pre-tokenizers, pieces of a template: each */
#define OR_TOKENIZER_MAX_LENGTH ((size_t)1 << 24)     /* tokens that a sequence is cut or padded to */
#define OR_TOKENIZER_MAX_TEXT_BYTES ((size_t)4 << 20) /* of one text to encode */
#define OR_TOKENIZER_MAX_NORMALIZED_BYTES ((size_t)16 << 20) /* of a text between two steps */
#define OR_NO_TOKEN UINT32_MAX

typedef struct or_tokenizer_t or_tokenizer_t; /* counted, immutable: any thread */

/* Reads tokenizer.json from a file or from bytes, which are not kept. On success one reference, the caller's; on
 * failure NULL. NOT_FOUND, PERMISSION_DENIED (the file); OUT_OF_RANGE (a bound); INVALID_ARGUMENT (not JSON, a field
 * that is missing or contradicts another; names it); UNIMPLEMENTED (a component that is not supported, by its name,
 * with the cure); RESOURCE_EXHAUSTED. */
or_status_t or_tokenizer_load(const or_allocator_t *allocator, const char *path, or_tokenizer_t **out);
or_status_t or_tokenizer_parse(const or_allocator_t *allocator, const char *json, size_t length, or_tokenizer_t **out);
void or_tokenizer_retain(or_tokenizer_t *tokenizer);
void or_tokenizer_release(or_tokenizer_t *tokenizer); /* takes NULL */

/* What the file says beside the vocabulary. */
typedef struct or_tokenizer_facts_t {
  const char *model;      /* "WordPiece", "BPE" */
  size_t vocabulary_size; /* tokens, the added ones included */
  uint32_t id_limit;      /* every id is below */
  size_t max_length;      /* the file's truncation, in tokens with the special ones; 0 if it says none */
  bool pads;              /* the file asks for padding */
  size_t pad_length;      /* to this many tokens; 0: to the longest of a batch, which is the caller's to know */
  uint32_t pad_id;        /* 0 if the file says nothing */
} or_tokenizer_facts_t;
or_tokenizer_facts_t or_tokenizer_facts(const or_tokenizer_t *tokenizer);
/* OR_NO_TOKEN if there is none; a terminated name for that which the file gives. */
uint32_t or_tokenizer_token_id(const or_tokenizer_t *tokenizer, const char *token);
/* The token's text as the file writes it (a byte-level one in GPT-2's alphabet), terminated; NULL if no token has the
 * id. Lives as long as the tokenizer. */
const char *or_tokenizer_token(const or_tokenizer_t *tokenizer, uint32_t id, size_t *length);

/* What turns texts into ids: the tokenizer (retained) with memory of its own, a word cache of at most 3 MiB, and no
 * allocation once it has grown to the texts it sees. One thread at a time; make one a thread. */
typedef struct or_tokenizer_encoder_t or_tokenizer_encoder_t;
or_status_t or_tokenizer_encoder_create(or_tokenizer_t *tokenizer, or_tokenizer_encoder_t **out);
void or_tokenizer_encoder_free(or_tokenizer_encoder_t *encoder); /* takes NULL */

#define OR_TOKENIZER_AS_FILE 0
#define OR_TOKENIZER_NONE (-1)
typedef struct or_tokenizer_options_t {
  bool without_special_tokens; /* no [CLS], [SEP] and the like around the text */
  bool plain_text;             /* special tokens written in the text are text: for what strangers write */
  int64_t max_length;          /* tokens kept, the special ones included; or AS_FILE, or NONE */
  int64_t pad_length;          /* at least so many tokens; or AS_FILE, or NONE */
} or_tokenizer_options_t;

typedef struct or_token_span_t {
  uint32_t begin, end; /* bytes of the text that the token came from; 0, 0 for special and padding tokens */
} or_token_span_t;

/* Borrowed from the encoder until its next call. */
typedef struct or_encoding_t {
  size_t count;
  const int64_t *ids, *type_ids, *attention_mask; /* count each, as models take them; mask 0 for padding */
  const or_token_span_t *spans;                   /* of the first or the second text, as type and place say */
  bool truncated;
} or_encoding_t;

/* Encodes a text, or with `pair` not NULL two as one sequence. options NULL: all as the file says. INVALID_ARGUMENT:
 * not UTF-8 (names the byte), or a max_length with no room for the special tokens; OUT_OF_RANGE: a bound;
 * RESOURCE_EXHAUSTED. */
typedef struct or_tokenizer_text_t {
  const char *bytes;
  size_t length;
} or_tokenizer_text_t;
or_status_t or_tokenizer_encode(or_tokenizer_encoder_t *encoder, or_tokenizer_text_t text,
                                const or_tokenizer_text_t *pair, const or_tokenizer_options_t *options,
                                or_encoding_t *out);

/* Appends the text of `ids`. Bytes that are no UTF-8 become U+FFFD. Unknown ids: OUT_OF_RANGE, nothing appended. */
or_status_t or_tokenizer_decode(const or_tokenizer_t *tokenizer, const uint32_t *ids, size_t count, bool skip_special,
                                or_text_t *out);

/* The same, token by token: what push appended so far plus what finish appends is what decode gives. A character whose
 * bytes are spread over tokens appears when it is whole. Plain data of one thread; init is {0}. */
typedef struct or_token_stream_t {
  size_t token_count; /* that made text */
  size_t held;        /* bytes of a character begun */
  char bytes[4];
} or_token_stream_t;
or_status_t or_token_stream_push(or_token_stream_t *stream, const or_tokenizer_t *tokenizer, uint32_t id,
                                 bool skip_special, or_text_t *out);
or_status_t or_token_stream_finish(or_token_stream_t *stream, or_text_t *out);

#endif
