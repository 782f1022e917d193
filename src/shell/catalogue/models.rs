//! What is downloaded once and read by all nodes: models, data sets, vocabularies.

use super::Place::{Anywhere, Local, Offline, Private, Shared, Telemetry};
use super::{Variable, row};

pub(super) const HUB_MIRRORS: &[&str] = &["HF_ENDPOINT"];

const HF: &str = "Hugging Face";

#[rustfmt::skip]
pub(super) const ROWS: &[Variable] = &[
    row(&["huggingface"], HF, "HF_HOME", Shared, "cache/hf", &[],
        "one cache of models and data sets for all nodes", "huggingface_hub constants.py; the article"),
    row(&["huggingface"], HF, "HF_TOKEN_PATH", Private, "huggingface/token", &[],
        "`hf auth login` closes the directory of the token to others: a shared HF_HOME would be lost to them", "huggingface_hub PR #4234"),
    row(&["huggingface"], HF, "HF_MODULES_CACHE", Local, "cache/hf_modules", &[],
        "remote code is written at run time by many ranks at once", "transformers dynamic_module_utils.py"),
    row(&["huggingface", "failfast"], HF, "HF_HUB_OFFLINE", Offline, "1", HUB_MIRRORS,
        "a cached model otherwise waits minutes for packets that vanish", "huggingface_hub constants.py; the article"),
    row(&["huggingface", "failfast"], HF, "TRANSFORMERS_OFFLINE", Offline, "1", HUB_MIRRORS,
        "older transformers do not follow HF_HUB_OFFLINE", "huggingface_hub constants.py"),
    row(&["huggingface", "failfast"], HF, "HF_DATASETS_OFFLINE", Offline, "1", HUB_MIRRORS,
        "older datasets do not follow HF_HUB_OFFLINE", "datasets config.py"),
    row(&["huggingface", "telemetry"], HF, "HF_HUB_DISABLE_TELEMETRY", Telemetry, "1", &[],
        "no calls home", "huggingface_hub constants.py"),
    row(&["huggingface", "telemetry"], HF, "HF_HUB_DISABLE_UPDATE_CHECK", Telemetry, "1", &[],
        "`hf` asks PyPI for a newer version of itself", "huggingface_hub constants.py"),

    row(&["modelscope"], "ModelScope", "MODELSCOPE_CACHE", Shared, "cache/modelscope", &[],
        "one cache of models for all nodes", "modelscope utils/file_utils.py"),
    row(&["modelscope"], "ModelScope", "MODELSCOPE_CREDENTIALS_PATH", Private, "modelscope", &[],
        "the login must outlive the container and be nobody else's", "modelscope hub/constants.py"),

    row(&["ollama"], "Ollama", "OLLAMA_MODELS", Shared, "cache/ollama", &[],
        "one store of models for all nodes; by default they go with the home", "ollama envconfig/config.go"),
    row(&["ollama"], "Ollama", "OLLAMA_NOPRUNE", Anywhere, "1", &[],
        "a server that starts deletes layers that another node's is still downloading", "ollama envconfig/config.go"),

    row(&["torch"], "PyTorch", "TORCH_HOME", Shared, "cache/torch", &[],
        "weights of torch.hub and torchvision, downloaded once", "torch.hub documentation"),

    row(&["nltk"], "NLTK", "NLTK_DATA", Shared, "cache/nltk", &[],
        "corpora that a login node downloaded", "nltk data.py"),

    row(&["tiktoken"], "tiktoken", "TIKTOKEN_CACHE_DIR", Shared, "cache/tiktoken", &[],
        "vocabularies otherwise lie in the temporary directory and are lost", "tiktoken load.py"),
    row(&["tiktoken", "vllm"], "openai-harmony", "TIKTOKEN_RS_CACHE_DIR", Shared, "cache/tiktoken_rs", &[],
        "gpt-oss does not start without its vocabulary: run it once where the internet is", "vllm #22525, harmony #101"),

    row(&["sentence-transformers"], "sentence-transformers", "SENTENCE_TRANSFORMERS_HOME", Shared, "cache/sentence_transformers", &[],
        "older versions have a cache of their own, in the home", "sentence_transformers SentenceTransformer.py"),
    row(&["lm-eval"], "LM evaluation harness", "LM_HARNESS_CACHE_PATH", Shared, "cache/lm_eval", &[],
        "requests of a task are prepared once", "lm_eval caching/cache.py"),
    row(&["paddlex"], "PaddleX", "PADDLE_PDX_CACHE_HOME", Shared, "cache/paddlex", &[],
        "models of PaddleOCR, downloaded once", "paddlex utils/cache.py"),

    // FlashInfer reads it before the package `flashinfer-cubin`: hence a preset of its own.
    row(&["flashinfer-cubins"], "FlashInfer", "FLASHINFER_CUBIN_DIR", Shared, "cache/flashinfer_cubins", &[],
        "kernels are downloaded when they are first used: fill it on a login node", "flashinfer jit/env.py"),
];
