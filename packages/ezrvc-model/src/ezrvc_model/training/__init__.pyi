from .experiments import newest_experiment as newest_experiment
from .experiments import prepared_experiments as prepared_experiments
from .observers import TrainingObserver as TrainingObserver
from .observers import Validator as Validator
from .result import TrainingResult as TrainingResult
from .sinks import MetricSink as MetricSink
from .train_voice import train as train
