from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RetrieveConfigurationRequest(_message.Message):
    __slots__ = ("partner_id", "customer_id")
    PARTNER_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    partner_id: str
    customer_id: str
    def __init__(self, partner_id: _Optional[str] = ..., customer_id: _Optional[str] = ...) -> None: ...

class RetrieveConfigurationResponse(_message.Message):
    __slots__ = ("audio_formats", "recording_locales", "encounter_report_locales", "recording_duration_limits")
    AUDIO_FORMATS_FIELD_NUMBER: _ClassVar[int]
    RECORDING_LOCALES_FIELD_NUMBER: _ClassVar[int]
    ENCOUNTER_REPORT_LOCALES_FIELD_NUMBER: _ClassVar[int]
    RECORDING_DURATION_LIMITS_FIELD_NUMBER: _ClassVar[int]
    audio_formats: _containers.RepeatedCompositeFieldContainer[DataFormat]
    recording_locales: _containers.RepeatedScalarFieldContainer[str]
    encounter_report_locales: _containers.RepeatedScalarFieldContainer[str]
    recording_duration_limits: RecordingDurationLimits
    def __init__(self, audio_formats: _Optional[_Iterable[_Union[DataFormat, _Mapping]]] = ..., recording_locales: _Optional[_Iterable[str]] = ..., encounter_report_locales: _Optional[_Iterable[str]] = ..., recording_duration_limits: _Optional[_Union[RecordingDurationLimits, _Mapping]] = ...) -> None: ...

class RecordingDurationLimits(_message.Message):
    __slots__ = ("minimum_seconds", "maximum_seconds")
    MINIMUM_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_SECONDS_FIELD_NUMBER: _ClassVar[int]
    minimum_seconds: int
    maximum_seconds: int
    def __init__(self, minimum_seconds: _Optional[int] = ..., maximum_seconds: _Optional[int] = ...) -> None: ...

class RecordAmbientRequest(_message.Message):
    __slots__ = ("recording_open", "data_chunk", "recording_close")
    RECORDING_OPEN_FIELD_NUMBER: _ClassVar[int]
    DATA_CHUNK_FIELD_NUMBER: _ClassVar[int]
    RECORDING_CLOSE_FIELD_NUMBER: _ClassVar[int]
    recording_open: RecordingOpenRequest
    data_chunk: DataChunkRequest
    recording_close: RecordingCloseRequest
    def __init__(self, recording_open: _Optional[_Union[RecordingOpenRequest, _Mapping]] = ..., data_chunk: _Optional[_Union[DataChunkRequest, _Mapping]] = ..., recording_close: _Optional[_Union[RecordingCloseRequest, _Mapping]] = ...) -> None: ...

class RecordAmbientResponse(_message.Message):
    __slots__ = ("data_stored", "recording_closes")
    DATA_STORED_FIELD_NUMBER: _ClassVar[int]
    RECORDING_CLOSES_FIELD_NUMBER: _ClassVar[int]
    data_stored: DataStored
    recording_closes: RecordingCloses
    def __init__(self, data_stored: _Optional[_Union[DataStored, _Mapping]] = ..., recording_closes: _Optional[_Union[RecordingCloses, _Mapping]] = ...) -> None: ...

class RecordingOpenRequest(_message.Message):
    __slots__ = ("recording_id", "data_format", "ambient_session_data", "actions", "reason", "starting_offset")
    RECORDING_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    AMBIENT_SESSION_DATA_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STARTING_OFFSET_FIELD_NUMBER: _ClassVar[int]
    recording_id: str
    data_format: DataFormat
    ambient_session_data: AmbientSessionData
    actions: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    starting_offset: int
    def __init__(self, recording_id: _Optional[str] = ..., data_format: _Optional[_Union[DataFormat, _Mapping]] = ..., ambient_session_data: _Optional[_Union[AmbientSessionData, _Mapping]] = ..., actions: _Optional[_Iterable[str]] = ..., reason: _Optional[str] = ..., starting_offset: _Optional[int] = ...) -> None: ...

class DataFormat(_message.Message):
    __slots__ = ("pcm", "opus", "webm_opus", "byte_stream")
    PCM_FIELD_NUMBER: _ClassVar[int]
    OPUS_FIELD_NUMBER: _ClassVar[int]
    WEBM_OPUS_FIELD_NUMBER: _ClassVar[int]
    BYTE_STREAM_FIELD_NUMBER: _ClassVar[int]
    pcm: Pcm
    opus: Opus
    webm_opus: WebmOpus
    byte_stream: ByteStream
    def __init__(self, pcm: _Optional[_Union[Pcm, _Mapping]] = ..., opus: _Optional[_Union[Opus, _Mapping]] = ..., webm_opus: _Optional[_Union[WebmOpus, _Mapping]] = ..., byte_stream: _Optional[_Union[ByteStream, _Mapping]] = ...) -> None: ...

class Pcm(_message.Message):
    __slots__ = ("sample_rate_hz", "bitcount", "channels")
    SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    BITCOUNT_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    sample_rate_hz: int
    bitcount: int
    channels: int
    def __init__(self, sample_rate_hz: _Optional[int] = ..., bitcount: _Optional[int] = ..., channels: _Optional[int] = ...) -> None: ...

class Opus(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WebmOpus(_message.Message):
    __slots__ = ("sample_rate_hz",)
    SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    sample_rate_hz: int
    def __init__(self, sample_rate_hz: _Optional[int] = ...) -> None: ...

class ByteStream(_message.Message):
    __slots__ = ("format_specifier",)
    FORMAT_SPECIFIER_FIELD_NUMBER: _ClassVar[int]
    format_specifier: str
    def __init__(self, format_specifier: _Optional[str] = ...) -> None: ...

class AmbientSessionData(_message.Message):
    __slots__ = ("product_id", "partner_id", "customer_id", "correlation_id", "external_identifiers", "ehr_instance_id", "locale_info")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    PARTNER_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_IDENTIFIERS_FIELD_NUMBER: _ClassVar[int]
    EHR_INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    LOCALE_INFO_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    partner_id: str
    customer_id: str
    correlation_id: str
    external_identifiers: _containers.RepeatedCompositeFieldContainer[ExternalIdentifier]
    ehr_instance_id: str
    locale_info: LocaleInfo
    def __init__(self, product_id: _Optional[str] = ..., partner_id: _Optional[str] = ..., customer_id: _Optional[str] = ..., correlation_id: _Optional[str] = ..., external_identifiers: _Optional[_Iterable[_Union[ExternalIdentifier, _Mapping]]] = ..., ehr_instance_id: _Optional[str] = ..., locale_info: _Optional[_Union[LocaleInfo, _Mapping]] = ...) -> None: ...

class ExternalIdentifier(_message.Message):
    __slots__ = ("type", "identifier")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    IDENTIFIER_FIELD_NUMBER: _ClassVar[int]
    type: str
    identifier: str
    def __init__(self, type: _Optional[str] = ..., identifier: _Optional[str] = ...) -> None: ...

class LocaleInfo(_message.Message):
    __slots__ = ("recording_locales", "encounter_report_locale", "encounter_ux_locale")
    RECORDING_LOCALES_FIELD_NUMBER: _ClassVar[int]
    ENCOUNTER_REPORT_LOCALE_FIELD_NUMBER: _ClassVar[int]
    ENCOUNTER_UX_LOCALE_FIELD_NUMBER: _ClassVar[int]
    recording_locales: _containers.RepeatedScalarFieldContainer[str]
    encounter_report_locale: str
    encounter_ux_locale: str
    def __init__(self, recording_locales: _Optional[_Iterable[str]] = ..., encounter_report_locale: _Optional[str] = ..., encounter_ux_locale: _Optional[str] = ...) -> None: ...

class DataChunkRequest(_message.Message):
    __slots__ = ("data_start", "data")
    DATA_START_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    data_start: int
    data: bytes
    def __init__(self, data_start: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class RecordingCloseRequest(_message.Message):
    __slots__ = ("recording_id", "recording_length_seconds", "reason")
    RECORDING_ID_FIELD_NUMBER: _ClassVar[int]
    RECORDING_LENGTH_SECONDS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    recording_id: str
    recording_length_seconds: float
    reason: str
    def __init__(self, recording_id: _Optional[str] = ..., recording_length_seconds: _Optional[float] = ..., reason: _Optional[str] = ...) -> None: ...

class DataStored(_message.Message):
    __slots__ = ("data_stored",)
    DATA_STORED_FIELD_NUMBER: _ClassVar[int]
    data_stored: int
    def __init__(self, data_stored: _Optional[int] = ...) -> None: ...

class RecordingCloses(_message.Message):
    __slots__ = ("data_stored",)
    DATA_STORED_FIELD_NUMBER: _ClassVar[int]
    data_stored: int
    def __init__(self, data_stored: _Optional[int] = ...) -> None: ...

class StartProcessingRequest(_message.Message):
    __slots__ = ("product_id", "partner_id", "customer_id", "correlation_id", "ehr_instance_id")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    PARTNER_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    EHR_INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    partner_id: str
    customer_id: str
    correlation_id: str
    ehr_instance_id: str
    def __init__(self, product_id: _Optional[str] = ..., partner_id: _Optional[str] = ..., customer_id: _Optional[str] = ..., correlation_id: _Optional[str] = ..., ehr_instance_id: _Optional[str] = ...) -> None: ...

class StartProcessingResponse(_message.Message):
    __slots__ = ("accepted",)
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    accepted: bool
    def __init__(self, accepted: _Optional[bool] = ...) -> None: ...
