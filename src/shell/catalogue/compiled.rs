//! What is compiled at run time. Ranks and nodes that write such a cache on shared storage at once break each other's
//! (stale handles, torn files, locks that nobody opens): it is kept on the node.

use super::Place::{Anywhere, Local};
use super::{Variable, row};

#[rustfmt::skip]
pub(super) const ROWS: &[Variable] = &[
    row(&["torch", "vllm", "sglang"], "PyTorch", "TORCH_EXTENSIONS_DIR", Local, "cache/torch_extensions", &[],
        "builds race, and one that was killed leaves a lock for which all others wait", "torch utils/cpp_extension.py"),
    row(&["torch", "vllm", "sglang"], "PyTorch", "TORCHINDUCTOR_CACHE_DIR", Local, "cache/torchinductor", &[],
        "ranks on several nodes race", "vllm #18851, miles #3158"),
    row(&["triton", "torch", "vllm", "sglang"], "Triton", "TRITON_CACHE_DIR", Local, "cache/triton", &[],
        "several nodes get a \"stale file handle\"", "triton knobs.py; pytorch #173679, prime-rl #2305"),
    row(&["vllm"], "vLLM", "VLLM_CACHE_ROOT", Local, "cache/vllm", &[],
        "compiled graphs: ranks on several nodes race", "vllm envs.py; vllm #24601, SkyRL #2138"),
    row(&["vllm"], "vLLM", "VLLM_FLASHINFER_AUTOTUNE_CACHE_DIR", Local, "cache/vllm_autotune", &[],
        "what was measured on one node's GPU holds there", "vllm envs.py"),
    row(&["sglang"], "SGLang", "SGLANG_CACHE_DIR", Local, "cache/sglang", &[],
        "most other caches of this kind follow it", "sglang srt/environ.py"),
    row(&["sglang"], "DeepGEMM", "SGLANG_DG_CACHE_DIR", Local, "cache/deep_gemm", &[],
        "kernels are compiled by every rank", "sglang srt/environ.py"),
    row(&["vllm", "sglang"], "DeepGEMM", "DG_JIT_CACHE_DIR", Local, "cache/deep_gemm", &[],
        "kernels are compiled by every rank", "vllm deep_gemm.py"),
    row(&["tilelang", "vllm", "sglang"], "TileLang", "TILELANG_CACHE_DIR", Local, "cache/tilelang", &[],
        "ranks on several nodes race", "miles #3158"),
    row(&["tilelang", "vllm", "sglang"], "TVM FFI", "TVM_FFI_CACHE_DIR", Local, "cache/tvm_ffi", &[],
        "ranks on several nodes race", "tvm_ffi cpp/extension.py"),
    row(&["flashinfer", "vllm", "sglang"], "FlashInfer", "FLASHINFER_WORKSPACE_BASE", Local, "cache/flashinfer", &[],
        "it compiles below this directory's .cache, by default the home's", "flashinfer jit/env.py"),
    row(&["flashinfer", "vllm", "sglang"], "FlashInfer", "FLASHINFER_AUTOTUNE_CACHE_DIR", Local, "cache/flashinfer_autotune", &[],
        "what was measured on one node's GPU holds there", "vllm envs.py"),
    row(&["cuda"], "CUDA", "CUDA_CACHE_PATH", Local, "cache/cuda", &[],
        "many small files, written by every process", "CUDA programming guide"),
    row(&["cuda"], "CUDA", "CUDA_CACHE_MAXSIZE", Anywhere, "4294967296", &[],
        "the largest there is: the default evicts one framework's kernels for another's", "CUDA programming guide"),
    row(&["jax"], "JAX", "JAX_COMPILATION_CACHE_DIR", Local, "cache/jax", &[],
        "it is off without a directory; a run then compiles everything again", "JAX documentation"),
    row(&["numba"], "Numba", "NUMBA_CACHE_DIR", Local, "cache/numba", &[],
        "otherwise in __pycache__ beside the source, on shared storage", "numba core/config.py"),
    row(&["ccache"], "ccache", "CCACHE_DIR", Local, "cache/ccache", &[],
        "NFS gives stale handles", "ccache #68"),
    row(&["sccache"], "sccache", "SCCACHE_DIR", Local, "cache/sccache", &[],
        "a server of each node writes it", "sccache documentation"),
    row(&["python"], "Python", "PYTHONPYCACHEPREFIX", Local, "cache/pycache", &[],
        "no byte code is written onto shared storage, nor read from it", "Python documentation"),
];
