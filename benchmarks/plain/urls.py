from django.http import HttpRequest, HttpResponse
from django.urls import path

from benchmarks.plain.views import CallbackView


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [path("callbacks/nabla", CallbackView.as_view()), path("healthz", healthz)]
