"""What of this machine a build or a pretraining needs, looked at before either is begun."""

from pipeline.doctor.finding import Finding, Health

__all__ = ["Finding", "Health"]
