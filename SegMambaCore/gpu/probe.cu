// A kernel to see whether kernels run.
extern "C" __global__ void probe(Io* x) { put(x + threadIdx.x, threadIdx.x); }
