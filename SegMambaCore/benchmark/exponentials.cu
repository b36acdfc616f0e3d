// Nothing but exponentials, to see how many of them a GPU does in a second: the scan needs one for every state and token.

#define CHAINS 8  // independent of one another, so that no thread waits for its last result

extern "C" __global__ void exponentials(float* out, int rounds) {
    float x[CHAINS];
    for (int k = 0; k < CHAINS; k++) x[k] = threadIdx.x + k;
    for (int round = 0; round < rounds; round++)
#pragma unroll
        for (int k = 0; k < CHAINS; k++) x[k] = exp2_fast(-x[k]);
    float sum = 0.f;
    for (int k = 0; k < CHAINS; k++) sum += x[k];
    out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}
