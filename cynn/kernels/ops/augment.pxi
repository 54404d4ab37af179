# Augmentation of images in training: rotated around the centre, shifted by whole pixels, with noise.
#
# Pixel (i, j) is interpolated between four pixels of its source, with dy, dx and the angle drawn for
# the row:
#
#   y = middle + cos(angle) (i - middle - dy) - sin(angle) (j - middle - dx)
#   x = middle + sin(angle) (i - middle - dy) + cos(angle) (j - middle - dx)
#
# Outside is the background: a raw 0. To need no tests, the image is copied into a frame of background
# first, one line above and two below, and places beyond are moved to the edge of the frame. The shifts of the columns
# (gather.pxi) are added there, so that pixels are like each other, and taken off again.

cdef struct Augmentation:
    Py_ssize_t height
    Py_ssize_t width
    int64_t shift
    double angle  # the largest
    real noise  # standard deviation

cdef enum:  # numbers of the batch's key, where those below belong to dropouts
    MOTION = 1 << 30
    NOISE


cdef inline Py_ssize_t frame_size(const Augmentation* of) noexcept nogil:
    return panel_size(1, (of.height + 3) * (of.width + 3))


cdef inline double random_fraction(uint64_t key, uint64_t i) noexcept nogil:
    """At least 0, less than 1."""
    return <double>(random_bits(key, i) >> 11) * (1.0 / 9007199254740992.0)


cdef void augment_rows(
    const Augmentation* of, const Call* call, real* frame, const Rows* x, real* panels,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past,
) noexcept nogil:
    """Rows first to past of panels that have `rows` rows, in place."""
    cdef uint64_t motion = random_bits(call.key, MOTION), noise = random_bits(call.key, NOISE)
    cdef uint64_t place, range_of_shifts = 2 * of.shift + 1
    cdef Py_ssize_t r, i
    cdef real dy, dx
    cdef double angle
    if of.shift or of.angle:
        for i in range(frame_size(of)):
            frame[i] = x.offset
    for r in range(first, past):
        place = <uint64_t>(call.place + r)
        if of.shift or of.angle:
            dy = <real>(<int64_t>random_below(motion, 3 * place, range_of_shifts) - of.shift)
            dx = <real>(<int64_t>random_below(motion, 3 * place + 1, range_of_shifts) - of.shift)
            angle = (2 * random_fraction(motion, 3 * place + 2) - 1) * of.angle
            move_row(of, x, frame, panels + r * PANEL, rows, dy, dx, <real>sin(angle), <real>cos(angle))
        if of.noise:
            add_noise(of, noise, place, panels + r * PANEL, rows)


cdef inline real* pixel(real* line, Py_ssize_t rows, Py_ssize_t column) noexcept nogil:
    return line + column // PANEL * rows * PANEL + column % PANEL


cdef inline real shift_of(const Rows* x, Py_ssize_t column) noexcept nogil:
    """As it is after the scaling."""
    return <real>(x.scale * x.shift[column])


cdef void move_row(
    const Augmentation* of, const Rows* input, real* frame, real* line, Py_ssize_t rows,
    real dy, real dx, real s, real c,
) noexcept nogil:
    cdef Py_ssize_t i, j, top, left, across = of.width + 3
    cdef real middle_y = <real>(0.5 * (of.height - 1)), middle_x = <real>(0.5 * (of.width - 1))
    cdef real y, x, above, beside, v, w
    cdef const real* at
    for i in range(of.height):
        for j in range(of.width):
            frame[(i + 1) * across + j + 1] = pixel(line, rows, i * of.width + j)[0]
            if input.shift != NULL:
                frame[(i + 1) * across + j + 1] += shift_of(input, i * of.width + j)
    for i in range(of.height):
        v = i - middle_y - dy
        for j in range(of.width):
            w = j - middle_x - dx
            y = within_frame(middle_y + c * v - s * w + 1, of.height)
            x = within_frame(middle_x + s * v + c * w + 1, of.width)
            top = <Py_ssize_t>y
            left = <Py_ssize_t>x
            y -= top
            x -= left
            at = frame + top * across + left
            above = at[0] + x * (at[1] - at[0])
            beside = at[across] + x * (at[across + 1] - at[across])
            pixel(line, rows, i * of.width + j)[0] = above + y * (beside - above)
            if input.shift != NULL:
                pixel(line, rows, i * of.width + j)[0] -= shift_of(input, i * of.width + j)


cdef inline real within_frame(real at, Py_ssize_t size) noexcept nogil:
    cdef real most = <real>(size + 1)
    at = at if at > 0 else 0
    return at if at < most else most


cdef void add_noise(
    const Augmentation* of, uint64_t key, uint64_t place, real* line, Py_ssize_t rows
) noexcept nogil:
    """Four pixels by four words; a pixel's number is the sum of its sixteen bits in each of them."""
    cdef Py_ssize_t columns = of.height * of.width, p
    cdef uint64_t word = place * 4 * ((columns + 3) // 4)
    cdef uint64_t bits[16]  # four lines of words for a panel of 16
    cdef vec scale = broadcast(<real>(of.noise * sqrt(3.0) / 65536)), middle = broadcast(131070), total
    cdef int group, k, v
    for p in range(panels_of(columns)):
        for group in range(PANEL // 4):
            for k in range(4):
                bits[k * (PANEL // 4) + group] = random_bits(key, word)
                word += 1
        for v in range(PANEL_VECS):
            total = -middle
            for k in range(4):
                total = total + from_shorts(<const uint16_t*>(bits + k * (PANEL // 4)) + v * LANES)
            store(line + v * LANES, multiply_add(total, scale, load(line + v * LANES)))
        line += rows * PANEL
