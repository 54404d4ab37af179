from ._target import *
