/*
 * family.h - what a family of models is: one row says where its norms stand, what its layers are
 * called in a file, which biases, windows, angles and activation it has, and what an absent key
 * means. The passes read the row, or what config.c makes of it; none of them asks for a family by
 * name.
 */
#ifndef MODEL_FAMILY_H
#define MODEL_FAMILY_H

#include "tensor/act.h"

#include <stdbool.h>
#include <stdint.h>

enum family {
	FAMILY_LLAMA,
	FAMILY_QWEN2,
	FAMILY_QWEN3,
	FAMILY_SMOLLM3,
	FAMILY_GRANITE,
	FAMILY_OLMO2,
	FAMILY_OLMO3,
	FAMILY_PHI3,
	FAMILY_MISTRAL,
	FAMILY_MINISTRAL,
	FAMILY_MINISTRAL3,
	FAMILY_GEMMA2,
	FAMILY_GEMMA3,
	FAMILY_STARCODER2,
	FAMILY_STABLELM,
	FAMILY_EXAONE4,
	FAMILY_GLM4,
	FAMILY_SEED_OSS,
	FAMILY_HUNYUAN,
	FAMILY_ERNIE4_5,
	FAMILY_APERTUS,
	FAMILY_LFM2,
	FAMILY_QWEN3_5,
	FAMILIES
};
/* What a user calls them: model_type in config.json */
#define FAMILY_WORDS                                                                               \
	"llama|qwen2|qwen3|smollm3|granite|olmo2|olmo3|phi3|mistral|ministral|ministral3|gemma2|"  \
	"gemma3_text|starcoder2|stablelm|exaone4|glm4|seed_oss|hunyuan_v1_dense|ernie4_5|apertus|" \
	"lfm2|qwen3_5_text"

/* The tensors of a layer. A name in a file is that of the part with ".weight" or ".bias". */
enum layer_part {
	PART_NORM1,     /* before the attention */
	PART_NORM1_OUT, /* behind it, before it is added */
	PART_NORM2,     /* before the feed-forward layer */
	PART_NORM2_OUT,
	PART_Q,
	PART_K,
	PART_V,
	PART_QKV, /* the three as one */
	PART_O,
	PART_GATE,
	PART_UP,
	PART_GU, /* both as one */
	PART_DOWN,
	PART_Q_NORM,
	PART_K_NORM,
	/* of layers without attention: a short convolution, or gated DeltaNet */
	PART_CONV_IN,
	PART_CONV,
	PART_CONV_OUT,
	PART_DELTA_QKV,
	PART_DELTA_Z,
	PART_DELTA_B,
	PART_DELTA_A,
	PART_DELTA_CONV,
	PART_DELTA_OUT,
	PARTS
};

/* Norms of queries and keys, in a family that has them */
enum qk_norm {
	QK_HEADS,    /* head by head, before they are turned */
	QK_TURNED,   /* head by head, behind that */
	QK_ROW,      /* all heads as one row */
	QK_LAYERNORM /* a LayerNorm without bias, with weights of its own for each head */
};

/* Which layers look back no further than sliding_window */
enum windows {
	WINDOWS_OFF,      /* none; a window that is switched off is passed over */
	WINDOWS_NEVER,    /* none; the key must be null */
	WINDOWS_ALL,      /* all, where the key is not null */
	WINDOWS_TYPES,    /* those that layer_types says */
	WINDOWS_SWITCHED, /* the same, where use_sliding_window is true */
};

enum { BIAS_QKV = 1, BIAS_O = 2, BIAS_MLP = 4, BIAS_RULES = 3 };

/* What a layer has in place of attention */
enum mixer { MIXER_ATTENTION, MIXER_CONV, MIXER_DELTA };

struct family_row {
	const char *name, *architecture;
	const char *part[PARTS]; /* NULL: as Llama's; "": there is none */
	const char *last_norm;   /* NULL: "model.norm" */
	/* norms */
	bool layernorm; /* LayerNorm with a bias, not RMSNorm */
	float one;      /* is added to a norm's weights */
	const char *eps_key;
	double eps;
	enum qk_norm qk_norm;
	bool qk_normed; /* always; else where the key says, or never */
	const char *qk_key;
	const char *parallel_key; /* where true, attention and feed-forward layer have one input */
	/* biases: a key, what its absence means and which layers have one then */
	struct bias_rule {
		const char *key;
		bool absent;
		unsigned what;
	} bias[BIAS_RULES];
	/* the feed-forward layer */
	enum act_kind act;
	const char *act_key, *act_words; /* the words, as a JSON array, that mean it */
	/* the rotary embedding */
	double theta, local_theta;
	const char *local_key; /* of the theta of layers with a window, at the top of the file */
	bool local;            /* those have angles of their own */
	double share;          /* of a head that turns, where no key says; 0: all */
	bool pairs;            /* (2i, 2i + 1) turn together, not (i, i + n / 2) */
	bool window_turns;     /* where there is a window, the other layers are not turned */
	unsigned rope_types;   /* bits of enum rope_type beside default; 0: those of Llama */
	bool rope_needed;      /* the file must say which */
	/* windows */
	enum windows windows;
	int64_t window;  /* where the key is absent; 0: none */
	int64_t pattern; /* every so many-th layer has none, where layer_types is absent; 0: all
			    have */
	/* the rest, where a key is absent; -1: it must be there, 0: it is derived from others */
	int64_t kv_heads, head_dim, max_len;
	bool tied;
	bool scaled_embedding; /* by the root of the width */
	/* layers without attention: which, what layer_types calls them, and every how many-th layer
	 * has attention where that is absent (0: all) */
	enum mixer mixer;
	const char *mixer_word;
	const char *interval_key;
	int64_t interval;
	bool gated;           /* attention's output is, by sigmoids of numbers behind each query */
	bool mrope;           /* keys of angles for pictures mean nothing */
	bool auto_ffn;        /* intermediate_size may be told by other keys: LFM2's */
	const char *tied_key; /* NULL: tie_word_embeddings */
};

const struct family_row *family_row(enum family f);
bool family_find(const char *name, enum family *f);        /* by its word; false: there is none */
const char *family_part(enum family f, enum layer_part p); /* NULL: there is none */

#endif
