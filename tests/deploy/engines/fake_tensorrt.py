"""The calls that a build makes to ``tensorrt``, recorded; no GPU needed.

Names and arguments as in the Python reference of TensorRT 10 and 11.
"""

from types import ModuleType, SimpleNamespace

NULL_ERROR = 'pybind11::init(): factory function returned nullptr'
"""What a constructor says that could make nothing."""


class FakeLogger:
    """``trt.ILogger``; severities print as those of pybind11 do."""


class FakeParser:
    def __init__(self, module, network):
        self.module, self.network = module, network
        self.num_errors = len(module.parser_errors)

    def parse(self, content):
        self.module.calls.append(('parse', content))
        return not self.num_errors

    def get_error(self, number):
        operator, node, text = self.module.parser_errors[number]
        return SimpleNamespace(
            node_operator=lambda: operator, node_name=lambda: node, desc=lambda: text
        )


class FakeCache:
    def __init__(self, content):
        self.content = content

    def serialize(self):
        return memoryview(self.content + b'+timings')


class FakeConfig:
    def __init__(self, module):
        self.module = module
        self.profiling_verbosity = None

    def set_memory_pool_limit(self, pool, limit):
        self.module.calls.append(('memory', pool, limit))

    def add_optimization_profile(self, profile):
        self.module.calls.append(('profile', profile.shapes))
        return 0

    def create_timing_cache(self, content):
        return None if content == b'broken' else FakeCache(content)

    def set_timing_cache(self, cache, ignore_mismatch):
        self.module.calls.append(('cache', cache.content, ignore_mismatch))
        return cache.content != b'foreign'


class FakeProfile:
    def __init__(self):
        self.shapes = {}

    def set_shape(self, name, least, best, most):
        self.shapes[name] = (least, best, most)


class FakeBuilder:
    def __init__(self, module, log):
        self.module, self.log = module, log

    def create_network(self, flags):
        self.module.calls.append(('network', flags))
        return 'network'

    def create_builder_config(self):
        return FakeConfig(self.module)

    def create_optimization_profile(self):
        return FakeProfile()

    def build_serialized_network(self, network, config):
        for severity, message in self.module.messages:
            self.log.log(f'Severity.{severity}', message)
        return self.module.engine


def make_module(version='10.9.0', **changes):
    """Return a module in the place of ``tensorrt``; ``calls`` holds what was called."""
    module = ModuleType('tensorrt')
    module.__version__ = version
    module.calls, module.messages, module.parser_errors = [], [], []
    module.engine = memoryview(b'engine')
    module.ILogger = FakeLogger
    module.Builder = lambda log: FakeBuilder(module, log)
    module.OnnxParser = lambda network, log: FakeParser(module, network)
    module.MemoryPoolType = SimpleNamespace(WORKSPACE='workspace')
    module.ProfilingVerbosity = SimpleNamespace(DETAILED='detailed')
    flags = {} if version.startswith('11') else {'STRONGLY_TYPED': 1}
    module.NetworkDefinitionCreationFlag = SimpleNamespace(**flags)
    vars(module).update(changes)
    return module
