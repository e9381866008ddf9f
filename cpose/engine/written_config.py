"""A config whose text holds values alone."""

from mmengine.config import Config

from cpose.files.config_text import config_text


class WrittenConfig(Config):
    """A whole config as runner, log and backends of the visualizer write it.

    A config from a model file may have any keys and texts. A file that is written from it must not
    run them, expand templates in them, or inherit a file that they name.
    """

    @classmethod
    def of(cls, config: Config) -> 'WrittenConfig':
        """Return a copy of a config."""
        text = config.text if config.filename else None
        return cls(config.to_dict(), cfg_text=text, filename=config.filename)

    @property
    def pretty_text(self) -> str:
        """The config as Python text."""
        return config_text({key: value for key, value in self.to_dict().items() if key != '_base_'})
