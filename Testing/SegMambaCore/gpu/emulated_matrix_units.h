// The warp-wide instructions of NVIDIA's matrix units, as the PTX manual lays their fragments out over the lanes.
#pragma once

typedef const char* Address;
inline Address address_of(const void* p) { return (Address)p; }
inline void copy16(void* to, const void* from, bool exists) {
    if (exists) std::memcpy(to, from, 16);
    else std::memset(to, 0, 16);
}
inline void wait_for_copies() {}

// ldmatrix: lane l gets row l / 4, columns 2 (l % 4) and the next, of each matrix; transposed, column l / 4 and those rows.
inline Fragment load4_either(Address row, bool transposed) {
    Warp& warp = own_warp();
    int lane = threadIdx.x & 31;
    warp.rows[lane] = row;
    warp.barrier.arrive_and_wait();
    Fragment f;
    for (int i = 0; i < 4; i++) {
        unsigned short pair[2];
        for (int j = 0; j < 2; j++) {
            int r = transposed ? lane % 4 * 2 + j : lane / 4, c = transposed ? lane / 4 : lane % 4 * 2 + j;
            std::memcpy(&pair[j], warp.rows[8 * i + r] + 2 * c, 2);
        }
        std::memcpy(&f.r[i], pair, 4);
    }
    warp.barrier.arrive_and_wait();
    return f;
}
inline Fragment load4(Address row) { return load4_either(row, false); }
inline Fragment load4_transposed(Address row) { return load4_either(row, true); }

inline float element(unsigned word, int which) {
    Io io;
    io.bits = word >> (16 * which);
    return get(io);
}

// mma.m16n8k16, a row-major, b column-major.
inline void multiply_add(float* c, Fragment a, unsigned b0, unsigned b1) {
    Warp& warp = own_warp();
    int lane = threadIdx.x & 31;
    for (int i = 0; i < 4; i++) warp.words[lane][i] = a.r[i];
    warp.words[lane][4] = b0;
    warp.words[lane][5] = b1;
    warp.barrier.arrive_and_wait();
    for (int i = 0; i < 4; i++) {
        int m = lane / 4 + i / 2 * 8, n = lane % 4 * 2 + i % 2;
        float sum = 0.f;
        for (int k = 0; k < 16; k++) {
            int of_a = m % 8 * 4 + k % 8 / 2, of_b = n * 4 + k % 8 / 2;
            sum += element(warp.words[of_a][m / 8 + k / 8 * 2], k % 2) * element(warp.words[of_b][4 + k / 8], k % 2);
        }
        c[i] += sum;
    }
    warp.barrier.arrive_and_wait();
}

// wgmma.m64nNk16 with both operands in shared memory, not swizzled, K-major: every lane can work out its own values.
struct Operand {
    Address first;
    int lead, stride;
    float at(int row, int k) const {
        Io io;
        std::memcpy(&io.bits, first + row / 8 * stride + row % 8 * 16 + k / 8 * lead + k % 8 * 2, 2);
        return get(io);
    }
};
inline Operand operand(Address first, int lead, int stride) { return {first, lead, stride}; }
inline Operand moved(Operand o, int bytes) { return {o.first + bytes, o.lead, o.stride}; }
inline void multiply_add_together(float* c, Operand a, Operand b) {
    int warp = threadIdx.x / 32 % 4, lane = threadIdx.x & 31;
    for (int n = 0; n < WIDE / 8; n++)
        for (int i = 0; i < 4; i++) {
            float sum = 0.f;
            for (int k = 0; k < 16; k++) sum += a.at(16 * warp + lane / 4 + i / 2 * 8, k) * b.at(8 * n + lane % 4 * 2 + i % 2, k);
            c[4 * n + i] += sum;
        }
}
inline void begin_together() {}
inline void end_together() {}
inline void wait_together() {}
inline void show_copies() {}
