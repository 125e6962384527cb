"use strict";

/* Swagger UI shows no x-codeSamples: this puts each operation's above its responses. */
const samples = () => ({
  wrapComponents: {
    responses: (Responses, { React }) => (props) => {
      const found = props.specSelectors.specJson().getIn([...props.specPath.slice(0, -1), "x-codeSamples"]);
      const shown = (found ? found.toJS() : []).map((sample) =>
        React.createElement("pre", { className: "sample", key: sample.label }, sample.source));
      return React.createElement(React.Fragment, null, ...shown, React.createElement(Responses, props));
    },
  },
});
