"""Numbers made normal by functions of SciPy's, with the C library's logarithm: NumPy's has other last bits."""

import math

import numpy as np

from model_store.batch import Array

_TAIL = 0.13533528323661269189
"""exp(-2): what is less likely is in a tail."""
_ROOT = 2.50662827463100050242
"""The square root of 2 pi."""
_FAR = 8.0

_MIDDLE = (
    (
        -59.9633501014107895267,
        98.0010754185999661536,
        -56.6762857469070293439,
        13.9312609387279679503,
        -1.23916583867381258016,
    ),
    (
        1.95448858338141759834,
        4.67627912898881538453,
        86.3602421390890590575,
        -225.462687854119370527,
        200.260212380060660359,
        -82.0372256168333339912,
        15.9056225126211695515,
        -1.18331621121330003142,
    ),
)
_NEAR_TAIL = (
    (
        4.05544892305962419923,
        31.5251094599893866154,
        57.1628192246421288162,
        44.0805073893200834700,
        14.6849561928858024014,
        2.18663306850790267539,
        -0.140256079171354495875,
        -0.0350424626827848203418,
        -0.000857456785154685413611,
    ),
    (
        15.7799883256466749731,
        45.3907635128879210584,
        41.3172038254672030440,
        15.0425385692907503408,
        2.50464946208309415979,
        -0.142182922854787788574,
        -0.0380806407691578277194,
        -0.000933259480895457427372,
    ),
)
_FAR_TAIL = (
    (
        3.23774891776946035970,
        6.91522889068984211695,
        3.93881025292474443415,
        1.33303460815807542389,
        0.201485389549179081538,
        0.0123716634817820021358,
        0.000301581553508235416007,
        2.65806974686737550832e-6,
        6.23974539184983293730e-9,
    ),
    (
        6.02427039364742014255,
        3.67983563856160859403,
        1.37702099489081330271,
        0.216236993594496635890,
        0.0134204006088543189037,
        0.000328014464682127739104,
        2.89247864745380683936e-6,
        6.79019408009981274425e-9,
    ),
)

_Ratio = tuple[tuple[float, ...], tuple[float, ...]]


def normal_quantiles(shares: Array) -> Array:
    """Return the standard normal quantile of each share, as float64; of 0 and 1 infinity.

    It is the function ndtri of Moshier's Cephes library (1989), with its numbers; as in SciPy, float32 is rounded to
    float32.
    """
    known = np.asarray(shares, np.float64)
    upper = known > 1 - _TAIL
    less = np.where(upper, 1 - known, known)
    found = np.where(upper, np.inf, -np.inf)
    found[np.isnan(known)] = np.nan
    middle, tail = less > _TAIL, (less > 0) & (less <= _TAIL)
    found[middle] = _middle(less[middle] - 0.5)
    found[tail] = np.where(upper[tail], 1.0, -1.0) * _tail(less[tail])
    return found.astype(shares.dtype).astype(np.float64)


def _middle(off: Array) -> Array:
    square = off * off
    moved: Array = off + off * _of_ratio(square, square, _MIDDLE)
    return moved * _ROOT


def _tail(less: Array) -> Array:
    root = np.sqrt(-2.0 * _log(less))
    inverse = 1.0 / root
    near, far = _of_ratio(inverse, inverse, _NEAR_TAIL), _of_ratio(inverse, inverse, _FAR_TAIL)
    found: Array = root - _log(root) / root - np.where(root < _FAR, near, far)
    return found


def _of_ratio(factor: Array, at: Array, ratio: _Ratio) -> Array:
    """Return a number times one polynomial over another one, whose leading coefficient is 1 and left out."""
    (first, *above), below = ratio
    over, under = np.full_like(at, first), np.ones_like(at)
    for coefficient in above:
        over = over * at + coefficient
    for coefficient in below:
        under = under * at + coefficient
    return factor * over / under


def _log(values: Array) -> Array:
    return np.array([math.log(value) for value in values.tolist()])


def box_cox(column: Array, power: float) -> Array:
    """Return numbers above zero raised to a power, as Box and Cox (1964) do it; NaN stays. The answer is float64."""
    return np.array([_raised(value, power) for value in column.tolist()])


_LARGEST = 709.78
"""Where exp is about to become infinite."""


def _raised(value: float, power: float) -> float:
    logarithm = math.log(value)
    if abs(power) < 1e-19:  # noqa: PLR2004 - SciPy takes it for none
        return logarithm
    if power * logarithm < _LARGEST or math.isnan(logarithm):
        return math.expm1(power * logarithm) / power
    return math.copysign(_exp(power * logarithm - math.log(abs(power))), power) - 1 / power


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf
