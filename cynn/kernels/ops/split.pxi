# How the threads of a training share the product of a dense step: by rows of the mini-batch, by columns (output
# units), or by both, as a grid of parts:
#
#                          columns 0..63    columns 64..127        threads = by_rows x by_columns
#       rows  0..31        thread 0         thread 1               thread t has the part of rows t // by_columns
#       rows 32..63        thread 2         thread 3               and the part of columns t % by_columns
#
# Cores are fast apart and slow together: what one has computed last comes to another from its cache line by line. So
# the split is chosen by a count of the numbers that each thread takes from others in a step, with what its arithmetic
# and its waiting cost in the same unit. Of a product of B rows, depth D (numbers of a row of A) and C columns on
# T = R x K threads a thread
#
#   computes       B / R rows by C / K columns, of whole rows and whole panels, and as much again of the gradient for W;
#                  where these do not divide evenly, the others wait for the one that has most
#   takes of W     D C / K numbers, of which others have just changed 1 - 1/R (the gradient of a part of columns is shared
#                  among the threads of that part); of W^T, which is written by the parts of W, 1 - 1/T
#   takes of A     B D / R numbers, of which it has computed B D / T; none of the network's input, which it gathers itself
#   gathers        B D / R numbers of that input
#   gives          of B C / T numbers that the next step reads, others compute 1 - 1/K
#   for dL/dW      all of A's other rows, B D (1 - 1/R), and B C / T (1 - 1/T) of delta
#   waits          before a part of columns until A is complete, unless it gathers it, and after it until the result is
#
# By rows nothing waits and all of W travels; by columns W stays where it is and the smaller A travels. Every
# element is the same sum in any split, so a result's bits do not depend on it.

# In units of a number of 4 bytes that comes from another core's cache, fitted to steps of two threads: about 0.4
# nanoseconds where cores share a cache, several times that between chiplets.
cdef enum:
    PRODUCTS_A_NUMBER = 48  # multiplications and additions in that time
    GATHERED_A_NUMBER = 3
    CHANGED_NUMBER = 3  # of W: it is read for its change too, and taken back from those who have read it
    NUMBERS_A_WAIT = 1500  # until the last of the threads is there, and it is known to all

cdef struct Split:
    int by_rows
    int by_columns


cdef inline double part_of(Py_ssize_t whole, int parts) noexcept nogil:
    """Return the largest of so many parts of a whole."""
    return <double>((whole + parts - 1) // parts)


cdef double cost_of_split(
    Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t columns, Split split, bint gathers, bint transposed
) noexcept nogil:
    """Return what one thread's step costs, in numbers that come from another core."""
    cdef int by_rows = split.by_rows, by_columns = split.by_columns
    cdef double threads = by_rows * by_columns
    cdef double own_rows = part_of(rows, by_rows), own_columns = PANEL * part_of(panels_of(columns), by_columns)
    cdef double width = sizeof(real) / 4.0  # a float64 is two numbers long, and a vector has half as many
    cdef double products = own_rows * depth * own_columns * (1 if transposed else 2)
    cdef double moved, waits = 0
    moved = CHANGED_NUMBER * depth * own_columns * (1 - 1 / (threads if transposed else by_rows))
    if gathers:
        moved += own_rows * depth / GATHERED_A_NUMBER
    else:
        moved += <double>rows * depth * (1.0 / by_rows - 1 / threads)
    moved += rows * columns / threads * (1 - 1.0 / by_columns)
    if not transposed:
        moved += <double>rows * depth * (1 - 1.0 / by_rows) + rows * columns / threads * (1 - 1 / threads)
    if by_columns > 1:
        waits = 1 if gathers else 2
    return width * (products / PRODUCTS_A_NUMBER + moved) + waits * NUMBERS_A_WAIT


cdef Split best_split(
    Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t columns, int threads, bint gathers, bint transposed, int forced
) noexcept nogil:
    """Return the split that costs least, of equals the one by more rows.

    Where `forced` is not 0, the one by most columns of those that have at most so many parts.
    """
    cdef Split split, best
    cdef double cost, least = INFINITY
    cdef int most = <int>smaller(forced if forced else threads, smaller(threads, panels_of(columns)))
    best.by_rows, best.by_columns = threads, 1
    for split.by_columns in range(1, most + 1):
        if threads % split.by_columns == 0:
            split.by_rows = threads // split.by_columns
            cost = -split.by_columns if forced else cost_of_split(rows, depth, columns, split, gathers, transposed)
            if cost < least:
                best, least = split, cost
    return best


cdef struct Share:  # of one thread
    Py_ssize_t first_row, past_row, first_panel, past_panel
    int by_columns
    int part, parts  # of the rows


cdef Share share_of(Split split, int rank, Py_ssize_t rows, Py_ssize_t columns) noexcept nogil:
    cdef Share share
    cdef int column = rank % split.by_columns
    share.by_columns = split.by_columns
    share.part, share.parts = rank // split.by_columns, split.by_rows
    share.first_row = rows * share.part // split.by_rows
    share.past_row = rows * (share.part + 1) // split.by_rows
    share.first_panel = panels_of(columns) * column // split.by_columns
    share.past_panel = panels_of(columns) * (column + 1) // split.by_columns
    return share


cdef Share share_of_one(Py_ssize_t rows, Py_ssize_t columns) noexcept nogil:
    """Return the whole, as one thread's."""
    cdef Split split
    split.by_rows = split.by_columns = 1
    return share_of(split, 0, rows, columns)


cdef inline Py_ssize_t columns_of(const Share* share, Py_ssize_t columns) noexcept nogil:
    return smaller(share.past_panel * PANEL, columns) - share.first_panel * PANEL
